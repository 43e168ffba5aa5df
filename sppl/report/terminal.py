"""The table on the terminal."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from sppl.report.picks import Pick
from sppl.report.tables import KEYS, MISSING, cell, interval_heading, interval_words, with_texts
from sppl.visible import visible

SIMULATED = "simulated"
PAIR = ["benchmark", "target_model"]
MANY = 6
"""Metrics that fit beside each other; more of them, and what they cost, are shown in a table of their own."""


class Screen(Console):
    """What tables are printed on; where its reader went away (`| head`), the rest of the work is done all the same."""

    def on_broken_pipe(self) -> None:
        """Prints nothing more."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _console() -> Console:
    """What prints texts as they are: no markup in them, no emoji, no colours of its own."""
    width = None if sys.stdout.isatty() else 120
    return Screen(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)


def show(name: str, rows: pd.DataFrame, judged: pd.DataFrame, folder: Path, *, differences: pd.DataFrame) -> None:
    """Prints the strategies, what each metric was worth, what is missing and where the files lie.

    Args:
        differences: of `sppl.analysis.agreement.disagreement`; shown where there are many metrics or no accuracies.
    """
    console = _console()
    rows, judged, differences = (with_texts(frame, visible) for frame in (rows, judged, differences))
    for (benchmark, target), part in rows.groupby(PAIR, sort=False):
        here = _of_pair(judged, benchmark, target)
        scored = [metric for metric in here["metric"].unique() if metric in part]  # advice has no score of its own
        metrics, title = scored, f"{name}: benchmark {benchmark}, target model {target}"
        untrained = bool(part["accuracy"].isna().all())
        if len(metrics) <= MANY or not untrained:
            console.print(_strategies(title, part, metrics if len(metrics) <= MANY else []))
        if len(metrics) > MANY:
            console.print(_places(part, metrics))
        if len(metrics) > MANY or untrained:
            console.print(_disagreement(_of_pair(differences, benchmark, target)))
        if untrained:
            console.print("No strategy was trained and tested: there are no accuracies to compare the metrics with.")
            for row in here[here["flag"].astype(object).fillna("") != ""].itertuples() if "flag" in here else ():
                console.print(f"{row.metric}: {row.flag}")
            continue
        if len(here):
            console.print(_metrics(here))
        for note in _notes(part, here):
            console.print(note)
    console.print(f"Files in {folder}: table.csv, metrics.csv (also md, tex), index.html")


def show_lines(lines: Sequence[str]) -> None:
    """Prints what else there is to say."""
    console = _console()
    for line in lines:
        console.print(visible(line))


def show_picks(picks: Sequence[Pick]) -> None:
    """Prints each pick; the command that follows stays on one line, so that it can be copied."""
    console = _console()
    for pick in picks:
        console.print(visible(pick.title), style="bold")
        console.print(visible(pick.said))
        for what, command in pick.commands:
            console.print(f"{what}:")
            console.print(f"  {visible(command)}", soft_wrap=True)


def show_spending(spending: pd.DataFrame) -> None:
    """Prints what teachers' responses took, and whose responses derived strategies took; nothing without either."""
    spending = with_texts(spending, visible)
    told = spending[(spending["requests"] > 0) | (spending["note"] != "")]
    if told.empty:
        return
    table = Table(title="What the responses took", title_justify="left", title_style="bold")
    for column in ("strategy", "source", "responses", "right", "requests", "failed_tries"):
        table.add_column(column.replace("_", " "), justify="left" if column in ("strategy", "source") else "right")
    for column in ("tokens read", "written", "US dollars"):
        table.add_column(column, justify="right")
    rows = told.to_dict("records")
    for row in rows:
        figures = ("responses", "right", "requests", "failed_tries", "input_tokens", "output_tokens")
        asked = row["requests"] or row["failed_tries"]
        unknown = "unknown" if asked else MISSING
        dear = unknown if pd.isna(row["cost"]) else f"{row['cost']:.4f}"
        shown = (unknown if pd.isna(row[name]) else str(row[name]) for name in figures)
        table.add_row(row["strategy"], row["source"], *shown, dear)
    console = _console()
    console.print(table)
    for row in rows:
        if row["note"]:
            console.print(f"{row['strategy']}: {row['note']}")


def show_paper(tables: Mapping[str, Mapping[str, pd.DataFrame]], matches: str, folder: Path) -> None:
    """Prints the paper's tables of metrics, by its conventions and by sound ones, and how many figures match."""
    console = _console()
    for name in ("metrics_main", "metrics_planbench"):
        for conventions, frames in tables.items():
            frame = with_texts(frames[name], visible)
            shown = Table(title=f"{name}, conventions: {conventions}", title_justify="left", title_style="bold")
            for column in frame:
                shown.add_column(str(column), justify="left" if column in KEYS else "right")
            for row in frame.itertuples(index=False):
                shown.add_row(*(str(value) for value in row))
            console.print(shown)
    console.print(matches)
    console.print(f"Files in {folder}: index.html; table, metrics and the paper's tables as csv, md and tex")


def _strategies(title: str, rows: pd.DataFrame, metrics: list[str]) -> Table:
    """One row per strategy: `value (rank)` of every metric, then what fine-tuning brought, where that is known."""
    settings = list(rows.columns[2 : list(rows.columns).index("strategy")])
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in ("strategy", *settings):
        table.add_column(column)
    also = [str(column) for column in rows if str(column).startswith("also_")]
    outcome = [] if rows["accuracy"].isna().all() else ["accuracy", "gain"]
    for column in (*metrics, *outcome, *also):
        table.add_column(_broken(column), justify="right", overflow="fold")
    for _, row in rows.iterrows():
        simulated = f" ({SIMULATED})" if row["source"] == SIMULATED else ""
        error = f" ± {cell(row['accuracy_se'])}" if pd.notna(row["accuracy_se"]) else ""
        gain = f"{row['gain']:+.3f}" if pd.notna(row["gain"]) else MISSING
        table.add_row(
            f"{row['strategy']}{simulated}",
            *(cell(row[column]) for column in settings),
            *(_ranked(row[metric], row[f"rank_{metric}"]) for metric in metrics),
            *((_ranked(row["accuracy"], row["rank_accuracy"], error), gain) if outcome else ()),
            *(cell(row[column]) for column in also),
        )
    return table


def _broken(name: str, width: int = 15) -> str:
    """A long name of a column on several lines, broken after underscores."""
    lines = [""]
    for part in re.findall(r"[^_]*_+|[^_]+", name):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _places(rows: pd.DataFrame, metrics: list[str]) -> Table:
    """One row per metric, one column per strategy: value and rank, below each other where strategies are many."""
    ranked = rows.dropna(subset=[f"rank_{metrics[0]}"]).drop_duplicates("strategy")
    table = Table(title="Value (rank) of each strategy by each metric", title_justify="left", title_style="bold")
    table.add_column("metric", overflow="fold")
    narrow = len(ranked) > MANY
    for strategy in ranked["strategy"]:
        table.add_column(strategy.replace("_", "_\n") if narrow else strategy, justify="right", overflow="fold")
    between = "\n" if narrow else " "
    for metric in metrics:
        pairs = zip(ranked[metric], ranked[f"rank_{metric}"], strict=True)
        table.add_row(metric, *(f"{_short(value)}{between}({rank:g})" for value, rank in pairs))
    return table


def _short(value: float) -> str:
    """Three digits, in as little room as they take."""
    return f"{value:.3g}" if abs(value) < 1e4 else f"{value:.1e}".replace("e+0", "e")


def _disagreement(differences: pd.DataFrame) -> Table:
    """One row per strategy, those the metrics differ most about first."""
    picked = int((differences["first_by"] != "").sum())
    title = f"Where the metrics disagree: {picked} {'strategies are' if picked > 1 else 'strategy is'} first by some"
    table = Table(title=title, title_justify="left", title_style="bold")
    for column, most in (("strategy", None), ("ranks", None), ("first by", None), ("worst rank by", 40)):
        table.add_column(column, overflow="fold", no_wrap=column in ("strategy", "ranks"), max_width=most)
    for row in differences.itertuples():
        ranks = f"{row.best_rank:g}" if not row.spread else f"{row.best_rank:g} to {row.worst_rank:g}"
        table.add_row(str(row.strategy), ranks, str(row.first_by) or "none", str(row.worst_by) if row.spread else "")
    return table


def _of_pair(frame: pd.DataFrame, benchmark: object, target: object) -> pd.DataFrame:
    return frame[(frame["benchmark"] == benchmark) & (frame["target_model"] == target)]


def _ranked(value: Any, rank: Any, error: str = "") -> str:
    return cell(value) + error + (f" ({rank:g})" if pd.notna(rank) else "")


def _metrics(judged: pd.DataFrame) -> Table:
    """One row per metric: the rank correlation with accuracy, and what following it would have cost."""
    settings = list(judged.columns[2 : list(judged.columns).index("metric")])
    table = Table(title="What each metric foretold", title_justify="left", title_style="bold")
    costs = ["cost", "seconds"] if len(judged["metric"].unique()) > MANY and "cost" in judged else []
    for column in ("metric", *settings, "better", "picks"):
        table.add_column(column, overflow="fold")
    between = "\n" if costs else " "
    for column in (
        f"accuracy of{between}the pick",
        "regret",
        f"Spearman with{between}accuracy [{interval_heading(judged)}]",
    ):
        table.add_column(column, justify="right", no_wrap=bool(costs))
    for column in costs:
        table.add_column("passes" if column == "cost" else column, justify="right", no_wrap=True)
    for _, row in judged.iterrows():
        span = f" [{cell(row['spearman_low'])}, {cell(row['spearman_high'])}]" if pd.notna(row["spearman_low"]) else ""
        table.add_row(
            row["metric"],
            *(cell(row[column]) for column in settings),
            row["direction"],
            cell(row["picked"]),
            cell(row["picked_accuracy"]),
            cell(row["regret"]),
            cell(row["spearman"]) + span,
            *(MISSING if pd.isna(row[column]) else f"{row[column]:.3g}" for column in costs),
        )
    told = [interval_words(judged)]
    told += ["passes, seconds: per response; a pass that several metrics share counts for each"] if costs else []
    table.caption, table.caption_justify = "\n".join(filter(None, told)), "left"
    return table


def _notes(rows: pd.DataFrame, judged: pd.DataFrame) -> list[str]:
    known = judged[judged["said"].notna()].to_dict("records") if "said" in judged else []
    every = list(dict.fromkeys(row["said"] for row in known))
    chances = every if len(every) == 1 else [f"{row['metric']}: {row['said']}" for row in known]
    said = [f"{row.strategy}: {row.note}" for row in rows.itertuples() if row.note]
    return [*dict.fromkeys(chances)] + said + [f"{row.metric}: {row.note}" for row in judged.itertuples() if row.note]
