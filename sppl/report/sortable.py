"""HTML tables that sort when a heading is clicked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sppl.report.markup import Markup, bullet_list, element, join_markup
from sppl.report.tables import MISSING, format_cell


@dataclass(frozen=True)
class Cell:
    """A cell: its text, its sort key (None: missing, always last), and why it is missing."""

    text: str
    key: float | str | None
    reason: str = ""


def value_cell(value: Any, text: str = "", *, reason: str = "") -> Cell:
    """Returns the cell of a value: a number, a word, or `n/a` with its reason."""
    if value is None or pd.isna(value):
        return Cell(MISSING, None, reason)
    return Cell(text or format_cell(value), value if isinstance(value, str) else float(value))


def sortable_table(columns: Mapping[str, Sequence[Cell]], *, label: str) -> Markup:
    """Returns the table in a frame that scrolls, with the reasons of missing cells below it.

    Args:
        columns: heading -> cells from top to bottom, of equal length; an empty column is only mentioned below.
        label: a description for those who cannot see it.
    """
    shown = {name: cells for name, cells in columns.items() if any(one.key is not None for one in cells)}
    columns, every = shown or columns, columns
    numeric = {name: all(not isinstance(one.key, str) for one in cells) for name, cells in columns.items()}
    heads = [
        element("th", element("button", name, type="button"), scope="col", **_kind(numeric[name])) for name in columns
    ]
    rows = [
        element("tr", *(_data(one, numeric[name]) for name, one in zip(columns, row, strict=True)))
        for row in zip(*columns.values(), strict=True)
    ]
    table = element("table", element("thead", element("tr", *heads)), Markup("\n"), element("tbody", *rows))
    frame = element("div", table, class_="frame", tabindex="0", role="region", aria_label=label)
    return join_markup(frame, _reasons(every))


def _kind(is_number: bool) -> dict[str, str]:
    return {"class_": "number"} if is_number else {}


def _data(one: Cell, is_number: bool) -> Markup:
    facts = {"data_sort": str(one.key)} if one.key is not None else {}
    facts |= {"data_number": ""} if isinstance(one.key, float) else {}
    facts |= {"title": one.reason} if one.reason else {}
    return join_markup(element("td", one.text, **_kind(is_number), **facts), Markup("\n"))


def _reasons(columns: Mapping[str, Sequence[Cell]]) -> Markup:
    found: dict[str, list[str]] = {}
    for name, cells in columns.items():
        for reason in dict.fromkeys(one.reason for one in cells if one.reason):
            found.setdefault(reason, []).append(name)
    lines = [f"{MISSING} in {', '.join(names)}: {reason}" for reason, names in found.items()]
    return element("div", bullet_list(lines), class_="reasons") if lines else Markup("")
