"""The table of test beds on the terminal."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Table

from sppl.analysis.bed_table import POOLED
from sppl.report.tables import MISSING
from sppl.report.terminal import Screen

CAPTION = (
    "Spearman: of the selector's order with the accuracies after training. Regret: points of accuracy that its pick "
    "loses to the best strategy. Best: share of cases in which it picks the best. Of random's: its regret as a share "
    "of that of a random pick in the same cases; over all beds the mean of their shares. 95 % intervals: benchmarks "
    "redrawn, targets in a bed of one benchmark."
)


def show_beds(name: str, table: pd.DataFrame, folder: Path) -> None:
    """Prints one row per bed and selector, the smallest share of a random pick's regret first.

    Args:
        table: of `sppl.analysis.bed_table.bed_table`.
        folder: where its files lie.
    """
    console = Screen(file=sys.stdout, width=None if sys.stdout.isatty() else 140, highlight=False)
    shown = Table(title=f"{name}: how well each metric and selector picks", title_justify="left", title_style="bold")
    shown.add_column("bed", no_wrap=True)
    shown.add_column("metric or selector", overflow="fold")
    for column in ("cases", "Spearman", "regret, points", "best", "of random's"):
        shown.add_column(column, justify="right", no_wrap=True)
    for _, part in table.groupby("bed", sort=False):
        for at, row in enumerate(part.to_dict("records")):
            bed = row["bed"] if at == 0 else ""
            points = {key: 100 * row[key] for key in ("regret", "regret_low", "regret_high")}
            shown.add_row(
                bed,
                row["selector"],
                f"{row['cases']}{'*' if row['note'] else ''}",
                _with_ends(row, "spearman"),
                _with_ends(points, "regret"),
                MISSING if pd.isna(row["top1"]) else f"{100 * row['top1']:.0f} %",
                _with_ends(row, "of_random"),
                end_section=at == len(part) - 1,
            )
    partly = " *: not every case (every bed); the column `note` says which are left out." if table["note"].any() else ""
    shown.caption, shown.caption_justify = CAPTION + partly, "left"
    console.print(shown)
    if POOLED not in set(table["bed"]):
        console.print("One bed: nothing is pooled.", markup=False)
    console.print(
        f"Files in {folder}: beds.csv (also md, tex); cases.csv: every benchmark and target by itself", markup=False
    )


def _with_ends(row: Mapping[Any, Any], name: str) -> str:
    """The figure and the ends of its interval, which a figure without spread has not."""
    value, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    if pd.isna(value):
        return MISSING
    return f"{value:.2f}" if pd.isna(low) or low == high else rf"{value:.2f} \[{low:.2f}, {high:.2f}]"
