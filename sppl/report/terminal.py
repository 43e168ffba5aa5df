"""Prints a report on the terminal."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from sppl.analysis.outcomes import UNTRAINED
from sppl.report.narrow import Column, print_table
from sppl.report.picks import Pick
from sppl.report.tables import KEYS, MISSING, column_texts, interval_heading, interval_words, map_texts
from sppl.visible import make_visible

SIMULATED = "simulated"
PAIR = ["benchmark", "target_model"]
MANY = 6
"""Metrics that fit beside each other; more of them are shown in a table of their own, with their costs."""
NO_SPEARMAN = r"(^|; )n/a \("
"""Matches the note on a missing rank correlation; it is dropped below a table without that column."""


class Screen(Console):
    """A console whose reader may go away (`| head`) without ending the work."""

    def on_broken_pipe(self) -> None:
        """Stops printing, without an error."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _console() -> Console:
    """A console that prints texts as they are: no markup, no emoji, no colours."""
    given = os.environ.get("COLUMNS", "")
    width = None if sys.stdout.isatty() else int(given) if given.isdigit() and int(given) else 120
    return Screen(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)


def show(name: str, rows: pd.DataFrame, judged: pd.DataFrame, *, differences: pd.DataFrame | None = None) -> None:
    """Prints the table of strategies, the table that judges the metrics, and notes on what is missing.

    Args:
        differences: of `sppl.analysis.agreement.disagreement`; shown where there are many metrics or no accuracies.
    """
    console = _console()
    rows, judged = (map_texts(frame, make_visible) for frame in (rows, judged))
    for (benchmark, target), part in rows.groupby(PAIR, sort=False):
        here = _of_pair(judged, benchmark, target)
        scored = [metric for metric in here["metric"].unique() if metric in part]  # advice has no score of its own
        metrics, title = scored, f"{name}: benchmark {benchmark}, target model {target}"
        untrained = bool(part.loc[part["strategy"] != UNTRAINED, "accuracy"].isna().all())
        if len(metrics) <= MANY or not untrained:
            columns = _strategies(part, metrics if len(metrics) <= MANY else [])
            print_table(console, title, columns, keys=1 + len(_settings(part, "strategy")))
        if len(metrics) > MANY:
            _show_places(console, part, metrics)
        if differences is not None and len(differences) and (len(metrics) > MANY or untrained):
            _show_disagreement(console, map_texts(_of_pair(differences, benchmark, target), make_visible))
        if untrained:
            console.print("No strategy was trained and tested: there are no accuracies to compare the metrics with.")
            for note in _grouped([(here, "metric", "flag")] if "flag" in here else []):
                console.print(note)
            continue
        if len(here):
            _show_metrics(console, here)
        for note in _notes(part, here):
            console.print(note)


def show_lines(lines: Sequence[str]) -> None:
    """Prints further lines below the tables."""
    console = _console()
    for line in lines:
        console.print(make_visible(line))


def show_picks(picks: Sequence[Pick]) -> None:
    """Prints each pick with its commands, each on one line so that it can be copied."""
    console = _console()
    for pick in picks:
        console.print(make_visible(pick.title), style="bold")
        lines = Table.grid(padding=(0, 1))
        for line in filter(None, (*pick.why, pick.risk, *(f"Caveat: {said}" for said in pick.caveats))):
            lines.add_row(" -", make_visible(line))
        console.print(lines)
        for what, command in pick.commands:
            console.print(f"{what}:")
            console.print(f"  {make_visible(command)}", soft_wrap=True)
        console.print()


def show_examples(examples: pd.DataFrame, max_tokens: int | None) -> None:
    """Prints the lengths of the scored responses as training examples, and how many are too long or wrong.

    Args:
        examples: of `sppl.analysis.before_training.sample_table`; may be empty.
        max_tokens: of the training.
    """
    if examples.empty:
        return
    names = [name for name in PAIR if examples[name].nunique() > 1]
    heads = {"responses": "of", "mean_tokens": "mean tokens", "longest": "longest example"}
    heads |= {"beyond_max_tokens": f"beyond {max_tokens}", "beyond_context": "beyond context", "wrong": "wrong"}
    shown = map_texts(examples, make_visible)
    columns = [Column(name, list(shown[name]), text=True) for name in ("strategy", *names)]
    for name, head in heads.items():
        style = ".1f" if name == "mean_tokens" else ".0f"
        columns.append(Column(head, [MISSING if pd.isna(one) else f"{one:{style}}" for one in shown[name]]))
    print_table(_console(), "The scored responses as training examples", columns, keys=1 + len(names))


def show_spending(spending: pd.DataFrame) -> None:
    """Prints what teachers' responses cost and where derived strategies took theirs from; nothing without either."""
    spending = map_texts(spending, make_visible)
    told = spending[(spending["requests"] > 0) | (spending["note"] != "")]
    if told.empty:
        return
    names = ("responses", "right", "requests", "failed_tries", "input_tokens", "output_tokens")
    heads = ("responses", "right", "requests", "failed tries", "tokens read", "written")
    keys = ["strategy", *(["benchmark"] if told["benchmark"].nunique() > 1 else [])]
    columns = [Column(name, list(told[name]), text=True) for name in (*keys, "source")]
    asked = (told["requests"].fillna(0) > 0) | (told["failed_tries"].fillna(0) > 0)
    unknown = ["unknown" if one else MISSING for one in asked]
    for head, name in zip(heads, names, strict=True):
        cells = ["unknown" if pd.isna(value) else str(value) for value in told[name]]
        columns.append(Column(head, cells))
    price = [other if pd.isna(cost) else f"{cost:.4f}" for cost, other in zip(told["cost"], unknown, strict=True)]
    console = _console()
    print_table(console, "What the responses took", [*columns, Column("US dollars", price)], keys=len(keys))
    for row in told.to_dict("records"):
        if row["note"]:
            console.print(f"{row['strategy']}: {row['note']}")


def show_paper(tables: Mapping[str, Mapping[str, pd.DataFrame]], matches: str, folder: Path) -> None:
    """Prints the paper's tables of metrics, by its conventions and by sound ones, and how many figures match."""
    console = _console()
    for name in ("metrics_main", "metrics_planbench"):
        for conventions, frames in tables.items():
            frame = map_texts(frames[name], make_visible)
            columns = [Column(str(one), [str(value) for value in frame[one]], text=one in KEYS) for one in frame]
            print_table(console, f"{name}, conventions: {conventions}", columns)
    console.print(matches)
    console.print(f"Files in {folder}: index.html; table, metrics and the paper's tables as csv, md and tex")


def _strategies(rows: pd.DataFrame, metrics: list[str]) -> list[Column]:
    """One row per strategy, the best first: accuracy where known, and `value (rank)` by metric."""
    settings = _settings(rows, "strategy")
    pairs = zip(rows["strategy"], rows["source"], strict=True)
    named = [f"{name} ({SIMULATED})" if source == SIMULATED else str(name) for name, source in pairs]
    columns = [Column("strategy", named, text=True)]
    columns += [
        Column(one, ["" if pd.isna(value) else str(value) for value in rows[one]], text=True) for one in settings
    ]
    texts = zip(column_texts(list(rows["accuracy"])), _ends(rows, "accuracy"), strict=True)
    columns.append(Column("accuracy [95 %]", [text + ends for text, ends in texts]))
    columns.append(Column("gain", [MISSING if pd.isna(value) else f"{value:+.3f}" for value in rows["gain"]]))
    columns += [Column(one, _ranked(rows, one)) for one in metrics]
    also = [str(one) for one in rows if str(one).startswith("also_")]
    return columns + [Column(one, column_texts(list(rows[one]))) for one in also]


def _ranked(rows: pd.DataFrame, name: str) -> list[str]:
    """The cells of a value and its rank."""
    texts, ranks = column_texts(list(rows[name])), rows[f"rank_{name}"]
    return [text + (f" ({rank:g})" if pd.notna(rank) else "") for text, rank in zip(texts, ranks, strict=True)]


def _ends(rows: pd.DataFrame, name: str) -> list[str]:
    """The intervals in brackets; empty where there are none."""
    pairs = zip(rows[f"{name}_low"], rows[f"{name}_high"], strict=True)
    return ["" if pd.isna(low) else f" [{low:.3f}, {high:.3f}]" for low, high in pairs]


def _show_places(console: Console, rows: pd.DataFrame, metrics: list[str]) -> None:
    """Prints one row per metric and one column per strategy: value and rank."""
    ranked = rows.dropna(subset=[f"rank_{metrics[0]}"]).drop_duplicates("strategy")
    columns = [Column("metric", metrics, text=True)]
    for row in ranked.to_dict("records"):
        cells = [f"{_short(row[metric])} ({row[f'rank_{metric}']:g})" for metric in metrics]
        columns.append(Column(str(row["strategy"]), cells))
    print_table(console, "Value (rank) of each strategy by each metric", columns)


def _short(value: float) -> str:
    """A number with three digits, written as short as possible."""
    return f"{value:.3g}" if abs(value) < 1e4 else f"{value:.1e}".replace("e+0", "e")


def _show_disagreement(console: Console, differences: pd.DataFrame) -> None:
    """Prints one row per strategy, those the metrics differ most about first."""
    picked = int((differences["first_by"] != "").sum())
    if not differences["spread"].any():
        title = "All metrics order the strategies alike"
    elif picked > 1:
        title = f"Where the metrics disagree: {picked} strategies are first by some"
    else:
        title = "Where the metrics disagree: not about the first"
    rows = differences.to_dict("records")
    spans = [(row["best_rank"], row["worst_rank"]) for row in rows]
    columns = [
        Column("strategy", [str(row["strategy"]) for row in rows], text=True),
        Column("ranks", [f"{low:g}" if low == high else f"{low:g} to {high:g}" for low, high in spans]),
        Column("first by", [str(row["first_by"]) or "none" for row in rows], text=True),
        Column("worst rank by", [str(row["worst_by"]) if row["spread"] else "" for row in rows], text=True),
    ]
    print_table(console, title, columns)


def _of_pair(frame: pd.DataFrame, benchmark: object, target: object) -> pd.DataFrame:
    return frame[(frame["benchmark"] == benchmark) & (frame["target_model"] == target)]


def _show_metrics(console: Console, judged: pd.DataFrame) -> None:
    """Prints one row per metric, the least regret first, with its rank correlation."""
    settings = _settings(judged, "metric")
    judged = judged.sort_values("regret", kind="stable", na_position="last")
    columns = [Column("metric", list(judged["metric"]), text=True)]
    columns += [Column(one, column_texts(list(judged[one])), text=True) for one in (*settings, "direction", "picked")]
    names = {"direction": "better", "picked": "picks"}
    columns = [Column(names.get(one.name, one.name), one.cells, one.text) for one in columns]
    for head, name in (("accuracy of the pick", "picked_accuracy"), ("regret", "regret")):
        columns.append(Column(head, column_texts(list(judged[name]))))
    values, ends = column_texts(list(judged["spearman"])), _ends(judged, "spearman")
    head = f"Spearman with accuracy [{interval_heading(judged)}]"
    columns.append(Column(head, [value + end for value, end in zip(values, ends, strict=True)]))
    told = [interval_words(judged)]
    if len(judged["metric"].unique()) > MANY and "cost" in judged:
        for head, name in (("passes", "cost"), ("seconds", "seconds")):
            columns.append(Column(head, [MISSING if pd.isna(value) else f"{value:.3g}" for value in judged[name]]))
        told.append("passes, seconds: per response; a pass that several metrics share counts for each")
    caption = "\n".join(filter(None, told))
    print_table(console, "What each metric predicted", columns, keys=1 + len(settings), caption=caption)


def _settings(frame: pd.DataFrame, what: str) -> list[str]:
    """The columns of settings that vary."""
    return [str(one) for one in frame.columns[2 : list(frame.columns).index(what)]]


def _notes(rows: pd.DataFrame, judged: pd.DataFrame) -> list[str]:
    """The notes on what is missing or not as it was asked for, each once."""
    said = judged.assign(
        note=judged["note"].astype("string").fillna("").str.replace(NO_SPEARMAN, r"\1no Spearman (", regex=True)
    )
    return _grouped([(rows, "strategy", "note"), (said, "metric", "note")])


def _grouped(parts: Sequence[tuple[pd.DataFrame, str, str]]) -> list[str]:
    """The notes of tables, each once, after the names of the rows it is about."""
    found: dict[str, list[str]] = {}
    for frame, key, column in parts:
        for name, note in zip(frame[key], frame[column].fillna(""), strict=True):
            for part in filter(None, str(note).split("; ")):
                found.setdefault(part, []).append(str(name))
    return [f"{', '.join(dict.fromkeys(names))}: {note}" for note, names in found.items()]
