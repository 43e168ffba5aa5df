"""Prints the table of test beds on the terminal."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table

from sppl.analysis.bed_table import POOLED
from sppl.report.narrow import broken, folded
from sppl.report.tables import MISSING
from sppl.report.terminal import Screen

CAPTION = (
    "Spearman: of the selector's order with the accuracies after training. Regret: points of accuracy that its pick "
    "loses to the best strategy. Best: share of cases in which it picks the best. Of random's: its regret as a share "
    "of that of a random pick in the same cases; over all beds the mean of their shares. Brier: of the chance that one "
    "strategy trains better than another, fitted on all other beds; it must beat a coin's, about .25"
)
INTERVALS = " (in brackets). 95 % intervals: benchmarks redrawn, targets in a bed of one benchmark."
SELECTOR = "metric or selector"
NARROW = 8
"""Characters of a heading's line on a narrower terminal."""
WIDE = 130
"""Width in characters of the table with its intervals."""


def show_beds(name: str, table: pd.DataFrame, folder: Path) -> None:
    """Prints one row per bed and selector, the smallest share of a random pick's regret first.

    Args:
        table: of `sppl.analysis.bed_table.bed_table`.
        folder: the folder its files lie in.
    """
    console = Screen(file=sys.stdout, width=None if sys.stdout.isatty() else WIDE, highlight=False)
    wide = console.width >= WIDE
    console.print(f"{name}: how well each metric and selector picks", style="bold", markup=False)
    for bed, part in table.groupby("bed", sort=False):
        console.print(_one_bed(str(bed), part, console.width, wide=wide))
    partly = " *: not every case (every bed); the column `note` says which are left out." if table["note"].any() else ""
    console.print(CAPTION + (INTERVALS if wide else " (in beds.csv, like 95 % intervals).") + partly, style="italic")
    if POOLED not in set(table["bed"]):
        console.print("One bed: nothing is pooled.", markup=False)
    console.print(
        f"Files in {folder}: beds.csv (also md, tex); cases.csv: every benchmark and target by itself", markup=False
    )


def _one_bed(bed: str, rows: pd.DataFrame, width: int, *, wide: bool) -> Table:
    """The rows of one bed, without columns that are empty, in so many characters."""
    cells = [_cells(row, wide=wide) for row in rows.to_dict("records")]
    named = [name for name in cells[0] if any(one[name] != MISSING for one in cells)]
    shown = Table(title=bed, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    heads = {name: name if wide or name == SELECTOR else broken(name, NARROW) for name in named}
    lines = {name: [*heads[name].split("\n"), *(one[name].replace("\\", "") for one in cells)] for name in named}
    widest = {name: max(map(len, of)) for name, of in lines.items()}
    room = max(16, width - sum(widest[name] + 2 for name in named if name != SELECTOR) - 3)
    for name in named:
        least = min(room, widest[name]) if name == SELECTOR else widest[name]
        shown.add_column(heads[name], justify="left" if name == SELECTOR else "right", overflow="fold", min_width=least)
    for one in cells:
        shown.add_row(*(folded(one[name], room) if name == SELECTOR else one[name] for name in named))
    return shown


def _cells(row: Mapping[Any, Any], *, wide: bool) -> dict[str, str]:
    coin = f" ({row['brier_coin']:.3f})" if wide else ""
    points = {key: 100 * row[key] for key in ("regret", "regret_low", "regret_high")}
    return {
        SELECTOR: row["selector"],
        "cases": f"{row['cases']}{'*' if row['note'] else ''}",
        "Spearman": _with_ends(row, "spearman", wide=wide),
        "regret, points": _with_ends(points, "regret", wide=wide),
        "best": MISSING if pd.isna(row["top1"]) else f"{100 * row['top1']:.0f} %",
        "of random's": _with_ends(row, "of_random", wide=wide),
        "Brier": MISSING if pd.isna(row["brier"]) else f"{row['brier']:.3f}" + coin,
    }


def _with_ends(row: Mapping[Any, Any], name: str, *, wide: bool) -> str:
    """The figure and, where there is room, its interval; a figure without spread has none."""
    value, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    if pd.isna(value):
        return MISSING
    return f"{value:.2f}" if not wide or pd.isna(low) or low == high else rf"{value:.2f} \[{low:.2f}, {high:.2f}]"
