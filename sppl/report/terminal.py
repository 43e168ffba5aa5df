"""The table on the terminal."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from sppl.report.tables import KEYS, MISSING, cell, shown

HIDDEN = ("note", "source", "accuracy_se", "n_seeds")
SIMULATED = "simulated"


def show(name: str, rows: pd.DataFrame, judged: pd.DataFrame, gaps: Mapping[str, str], folder: Path) -> None:
    """Prints the strategies, what each metric was worth, what is missing and where the files lie."""
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140, highlight=False)
    console.print(_strategies(name, rows))
    console.print(_metrics(judged))
    for note in _notes(rows, judged):
        console.print(note, markup=False)
    for job, reason in gaps.items():
        console.print(f"missing: {job}: {reason}", markup=False, style="red")
    console.print(f"Files: {folder}/table.csv, metrics.csv, scatter.svg", markup=False)


def _strategies(name: str, rows: pd.DataFrame) -> Table:
    text = shown(rows)
    text["strategy"] = [
        f"{strategy} ({source})" if source == SIMULATED else strategy
        for strategy, source in zip(rows["strategy"], rows["source"], strict=True)
    ]
    text["accuracy"] = [
        f"{cell(accuracy)} ± {cell(error)}" if pd.notna(error) else cell(accuracy)
        for accuracy, error in zip(rows["accuracy"], rows["accuracy_se"], strict=True)
    ]
    text["gain"] = [f"{gain:+.3f}" if pd.notna(gain) else MISSING for gain in rows["gain"]]
    for column in text:
        if str(column).startswith("rank_"):
            text[column] = [f"{value:g}" if pd.notna(value) else "" for value in rows[column]]
    table = Table(title=name, title_justify="left", title_style="bold")
    for column in text:
        if column not in HIDDEN:
            table.add_column(str(column), justify="left" if column in KEYS else "right")
    for row in text.drop(columns=[column for column in HIDDEN if column in text]).itertuples(index=False):
        table.add_row(*(str(value) for value in row))
    return table


def _metrics(judged: pd.DataFrame) -> Table:
    table = Table(title="what each metric foretold", title_justify="left", title_style="bold")
    text = shown(judged)
    text["spearman"] = [
        f"{cell(rho)} [{cell(low)}, {cell(high)}]" if pd.notna(low) else cell(rho)
        for rho, low, high in zip(judged["spearman"], judged["spearman_low"], judged["spearman_high"], strict=True)
    ]
    kept = [column for column in text if column not in ("spearman_low", "spearman_high", "note")]
    for column in kept:
        table.add_column(str(column), justify="left" if column in KEYS else "right")
    for row in text[kept].itertuples(index=False):
        table.add_row(*(str(value).replace("[", r"\[") for value in row))
    return table


def _notes(rows: pd.DataFrame, judged: pd.DataFrame) -> list[str]:
    said = [f"{row.strategy}: {row.note}" for row in rows.itertuples() if row.note]
    return said + [f"{row.metric}: {row.note}" for row in judged.itertuples() if row.note]
