"""Compares two reports: lists the differences in settings, accuracies, metrics and picks."""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd

from sppl.report.chain import MADE_OF, report_names
from sppl.schemas import UserError

ROW = ["benchmark", "target_model", "strategy", "n_train", "n_test"]
"""Key columns of the table of strategies; those that a table lacks are left out."""
METRIC = ["benchmark", "target_model", "metric"]
ASIDE = {"run_dir", "group", "sweep", "job_name", "name", "reports", "logger", "stage", "dry"}
"""Settings that differ between any two reports and are not compared; of stages only the choice is."""
SHOWN = ("accuracy", "gain", "spearman", "picked", "regret")
"""Columns of a report that are compared beside the metrics' own."""
TOLERANCE = 5e-4
"""Numbers nearer to each other than this are equal in the three digits that are shown."""


def compare(reports: Path, first: str, second: str) -> list[str]:
    """Returns the lines of a table with a row per difference.

    Args:
        reports: the folder of reports.
        first: name of a report in it.
        second: likewise.

    Raises:
        UserError: there is no such report, or it does not say what it was made with.
    """
    folders = [_folder(reports, name) for name in (first, second)]
    rows = [*_settings(*folders), *_numbers(folders, "table.csv", ROW), *_numbers(folders, "metrics.csv", METRIC)]
    if not rows:
        return [f"{first} and {second} have the same settings, accuracies, metrics and picks"]
    lines = [("what differs", first, second), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    return ["  ".join(part.ljust(width) for part, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _folder(reports: Path, name: str) -> Path:
    there = report_names(reports)
    if name in there:
        return reports / name
    near = get_close_matches(name, there, n=1)
    meant = f"; did you mean {near[0]}?" if near else "."
    raise UserError(f"compare: {reports} has no report `{name}`{meant} There are: {', '.join(there) or 'none'}")


def _settings(*folders: Path) -> Iterator[tuple[str, str, str]]:
    one, two = (dict(_flat(_made_with(folder))) for folder in folders)
    for key in dict.fromkeys([*one, *two]):
        if one.get(key) != two.get(key):
            yield key, _format_value(one.get(key)), _format_value(two.get(key))


def _made_with(folder: Path) -> Mapping[str, Any]:
    try:
        config = json.loads((folder / MADE_OF).read_text(encoding="utf-8"))["config"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder / MADE_OF} does not say what the report was made with ({error!r}); the same command "
            "again writes it"
        ) from None
    stages = config.get("stage", {})
    return {key: value for key, value in config.items() if key not in ASIDE} | {"stage": list(stages)}


def _flat(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yields every setting by its place; a list of plain values is one setting."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{place}.{key}" if place else str(key))
    else:
        yield place, value


def _numbers(folders: Sequence[Path], file: str, about: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yields the differences between the same rows of two tables."""
    tables = [_table(folder / file, about) for folder in folders]
    every = [str(column) for table in tables for column in table]
    columns = [column for column in every if column in SHOWN or _of_a_metric(column, tables)]
    for key in dict.fromkeys([*tables[0].index, *tables[1].index]):
        for column in dict.fromkeys(columns):
            values = [table[column].get(key) if column in table else None for table in tables]
            if not _same(*values):
                place = " ".join(part for part in key if part)
                yield f"{place}: {column}", _format_value(values[0]), _format_value(values[1])


def _table(file: Path, about: list[str]) -> pd.DataFrame:
    if not file.is_file():
        return pd.DataFrame(index=pd.MultiIndex.from_tuples([], names=about))
    table = pd.read_csv(file)
    for column in about:
        table[column] = table[column].map(_format_value).replace("n/a", "") if column in table else ""
    return table.drop_duplicates(about).set_index(about)


def _of_a_metric(column: str, tables: list[pd.DataFrame]) -> bool:
    """Whether a column holds a metric's values: then there is a column with its ranks."""
    return any(f"rank_{column}" in table for table in tables) and column != "accuracy"


def _same(one: Any, two: Any) -> bool:
    if pd.isna(one) or pd.isna(two):
        return bool(pd.isna(one) and pd.isna(two))
    if isinstance(one, float | int) and isinstance(two, float | int):
        return abs(one - two) < TOLERANCE
    return one == two


def _format_value(value: Any) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return "n/a"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) >= 0.001 and value != int(value) else f"{value:g}"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
