"""Writes tables as csv, Markdown and LaTeX, with everything in names and notes escaped."""

import re
from collections.abc import Callable, Sequence
from math import floor, inf, log10
from pathlib import Path

import pandas as pd

from sppl.artifacts.provenance import write_anew
from sppl.visible import make_visible, on_one_line

KEYS = ("benchmark", "target_model", "strategy", "metric", "direction", "picked", "runner_up", "note", "source")
KEYS += ("block", "method", "spearman_interval", "bed", "selector")
MISSING = "n/a"
CALCULATED = re.compile(r"\s*[=+\-@＝＋－＠\t\r]")
"""Matches the beginning of texts that spreadsheets take for formulas."""
NUMBER = re.compile(r"[+-]?(\d[\d.,]*|\.\d+)([eE][+-]?\d+)?( *%)?|[+-](inf|nan)")
"""Matches numbers that begin in the same way."""
LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}
"""Characters that a backslash before them would not print in LaTeX."""


def write_tables(folder: Path, rows: pd.DataFrame, judged: pd.DataFrame) -> None:
    """Writes `table` and `metrics` as csv (full precision), md and tex (as shown)."""
    for name, frame in (("table", rows), ("metrics", judged)):
        write_table(folder, name, frame)


def write_table(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Writes one table as csv, md and tex."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {".csv": to_csv(frame), ".md": to_markdown(frame), ".tex": to_latex(frame)}
    for suffix, text in texts.items():
        write_anew(folder / f"{name}{suffix}", text)


def write_csv(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Writes one more table, `<name>.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_anew(folder / f"{name}.csv", to_csv(frame))


def to_csv(frame: pd.DataFrame) -> str:
    """Returns the frame as csv; a quotation mark is put before texts that spreadsheets would calculate."""
    return map_texts(frame, _not_calculated).to_csv(index=False, na_rep="")


def _not_calculated(text: str) -> str:
    return ("'" if CALCULATED.match(text) and not NUMBER.fullmatch(text) else "") + make_visible(text)


def map_texts(frame: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    """Returns the frame with a function applied to every text in it, names of columns included."""
    texts = frame.select_dtypes(include=["object", "string", "category"])
    changed = {name: [change(one) if isinstance(one, str) else one for one in texts[name]] for name in texts}
    return frame.assign(**{str(name): cells for name, cells in changed.items()}).rename(
        columns=lambda name: change(str(name))
    )


def format_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns the frame as text, one number format per column, `n/a` where there is no value."""
    return pd.DataFrame({column: column_texts(list(frame[column])) for column in frame})


def column_texts(values: Sequence[object]) -> list[str]:
    """Returns the values of one column as text, all numbers in the same format.

    That is three decimals, fewer for large numbers, more for small ones, powers of ten for very large or small ones.
    """
    numbers = [abs(value) for value in values if isinstance(value, float) and value == value and value != inf]
    largest = max((number for number in numbers if number), default=0.0)
    digits = 3 if largest < 1000 else 1 if largest < 1e5 else 0
    if 0 < largest < 0.1:
        digits = 2 - floor(log10(largest))
    style = ".2e" if largest >= 1e7 or digits > 7 else f".{digits}f"
    return [
        f"{value:{style}}" if isinstance(value, float) and value == value else format_cell(value) for value in values
    ]


def format_cell(value: object) -> str:
    """Returns one value as text."""
    if value is None or value is pd.NA or value != value:
        return MISSING
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 1000 else f"{value:.4g}"
    return str(value)


def interval_heading(judged: pd.DataFrame) -> str:
    """Returns the heading for intervals of correlations, with their level where all rows share it."""
    told = [words for words in judged["spearman_interval"] if words]
    levels = {words.partition(":")[0] for words in told if "%" in words}
    return levels.pop() if len(levels) == 1 and all("%" in words for words in told) else "interval"


def interval_words(judged: pd.DataFrame) -> str:
    """Returns what the intervals of correlations cover; empty where there are none."""
    told: dict[str, list[str]] = {}
    for metric, words in zip(judged["metric"], judged["spearman_interval"], strict=True):
        if words:
            told.setdefault(words, []).append(str(metric))
    every = [words + (f" ({', '.join(dict.fromkeys(who))})" if len(told) > 1 else "") for words, who in told.items()]
    return f"Interval of Spearman: {'; '.join(every)}" if every else ""


def to_markdown(frame: pd.DataFrame) -> str:
    """Returns a GitHub table."""
    text = format_cells(frame)
    lines = [
        "| " + " | ".join(_marked(str(name)) for name in text) + " |",
        "|" + "|".join("---" if name in KEYS else "---:" for name in text) + "|",
    ]
    lines += ["| " + " | ".join(map(_marked, row)) + " |" for row in text.itertuples(index=False)]
    return "\n".join(lines) + "\n"


def to_latex(frame: pd.DataFrame) -> str:
    """Returns a booktabs table."""
    text = format_cells(frame)
    columns = "".join("l" if name in KEYS else "r" for name in text)
    body = [" & ".join(_escape(value) for value in row) + r" \\" for row in text.itertuples(index=False)]
    head = " & ".join(_escape(str(name)) for name in text) + r" \\"
    lines = [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _marked(text: str) -> str:
    """The text for a Markdown cell, escaped so that it cannot end the cell or hold a link, an image or HTML."""
    return re.sub(
        r"[\\|`\[\]<>&]", lambda mark: f"&#{ord(mark[0])};" if mark[0] in "<>&" else "\\" + mark[0], _line(text)
    )


def _escape(text: str) -> str:
    """The text for a LaTeX cell, characters with a meaning there escaped."""
    printed = re.sub(r"[\\&%$#_{}~^<>|]", lambda mark: LATEX.get(mark[0], "\\" + mark[0]), _line(text))
    return re.sub(r"^[\[*]", r"{\g<0>}", printed)  # what follows the end of a line would be read as its argument


def _line(text: str) -> str:
    return on_one_line(text) if re.search(r"[\n\r\t\v\f]", text) else make_visible(text)
