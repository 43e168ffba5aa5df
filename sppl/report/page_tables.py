"""The tables of a report as HTML, every missing value with its reason."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from sppl.analysis.outcomes import UNTRAINED
from sppl.report.markup import Markup
from sppl.report.picks import Pick
from sppl.report.sortable import Cell, sortable_table, value_cell
from sppl.report.tables import interval_heading

PAIR = ["benchmark", "target_model"]
SIMULATED = "simulated"
NO_BASE = "the untrained target was not benchmarked"
NOT_SET = "not a setting of this row"
NOT_HERE = "it has no value for this row"
UNSCORED = "the untrained target is no strategy and has no score"


def setting_columns(frame: pd.DataFrame, key: str) -> list[str]:
    """Returns the columns of settings that vary: those between the pair's columns and the column `key`."""
    names = [str(name) for name in frame]
    return [name for name in names[: names.index(key)] if name not in PAIR]


def strategy_label(strategy: str, source: Any) -> str:
    """Returns the strategy's name, followed by `(simulated)` where its responses are simulated."""
    return f"{strategy} ({SIMULATED})" if source == SIMULATED else strategy


def strategies_table(rows: pd.DataFrame, metrics: list[str]) -> Markup:
    """Returns the table of strategies; a rank stands in parentheses after its value.

    Args:
        rows: of `sppl.analysis.summary.strategies_table`, with or without `source`.
        metrics: its columns of values.
    """
    sources = rows["source"] if "source" in rows else [""] * len(rows)
    records = [row | {"source": source} for row, source in zip(rows.to_dict("records"), sources, strict=True)]
    columns = _keys(rows, "strategy", records)
    columns["strategy"] = [value_cell(strategy_label(row["strategy"], row["source"])) for row in records]
    for metric in metrics:
        columns[metric] = [_ranked(row, metric, f"rank_{metric}", _no_score(row)) for row in records]
    columns["accuracy"] = [_ranked(row, "accuracy", "rank_accuracy", row["note"], "accuracy") for row in records]
    columns["seeds"] = [value_cell(row["n_seeds"], reason=row["note"]) for row in records]
    columns["gain"] = [_gain(row) for row in records]
    for name in [str(column) for column in rows if str(column).startswith("also_")]:
        columns[name] = [value_cell(row[name], reason="this task was not asked of it") for row in records]
    return sortable_table(columns | _notes(records), label="Strategies")


def metrics_table(judged: pd.DataFrame, chances: pd.DataFrame | None) -> Markup:
    """Returns the table that judges the metrics, with the chance of each pick where it is known.

    Args:
        judged: of `sppl.analysis.summary.metrics_table`.
        chances: of `sppl.analysis.confidence.confidence`.
    """
    records = judged.to_dict("records")
    columns = _keys(judged, "metric", records)
    columns["metric"] = [value_cell(row["metric"]) for row in records]
    columns["better"] = [value_cell(row["direction"]) for row in records]
    columns["picks"] = [value_cell(row["picked"], reason="the metric has no direction") for row in records]
    if chances is not None:
        found = {(row["benchmark"], row["target_model"], row["metric"]): row for row in chances.to_dict("records")}
        columns["pick beats runner-up"] = [_chance(row, found) for row in records]
    columns["Spearman"] = [value_cell(row["spearman"], reason=_first(row["note"])) for row in records]
    heading = interval_heading(judged)
    columns[heading if heading == "interval" else f"{heading} interval"] = [_interval(row) for row in records]
    columns["accuracy of the pick"] = [value_cell(row["picked_accuracy"], reason=_no_pick(row)) for row in records]
    columns["best accuracy"] = [value_cell(row["best_accuracy"], reason="no strategy has both") for row in records]
    columns["regret"] = [value_cell(row["regret"], reason=_no_pick(row)) for row in records]
    columns["spread"] = [value_cell(row["spread"], reason="fewer than two accuracies") for row in records]
    columns["strategies"] = [value_cell(row["n_strategies"]) for row in records]
    return sortable_table(columns | _notes(records), label="Metrics")


def picks_table(picked: Sequence[Pick]) -> Markup:
    """Returns a table of picks, one row per benchmark and target."""
    columns = {
        "benchmark": [value_cell(one.benchmark) for one in picked],
        "target model": [value_cell(one.target) for one in picked],
        "runner-up": [value_cell(one.runner_up or None, reason="a single strategy") for one in picked],
        "what to do": [value_cell(one.decision.words) for one in picked],
        "what it rests on": [value_cell(one.why[0]) for one in picked],
        "what it may cost to be wrong": [value_cell(one.risk) for one in picked],
    }
    return sortable_table(columns, label="Picks")


def plain_table(frame: pd.DataFrame) -> Markup:
    """Returns any other table as it is, without a benchmark or target that is the same in all rows."""
    names = [name for name in frame if name not in PAIR or frame[name].nunique() > 1]
    columns = {str(name): [value_cell(value, reason=NOT_HERE) for value in frame[name]] for name in names}
    return sortable_table(columns, label="Further figures")


def _keys(frame: pd.DataFrame, name: str, records: list[dict[Any, Any]]) -> dict[str, list[Cell]]:
    """The key columns, without a benchmark or target that is the same in all rows."""
    varying = [key for key in PAIR if frame[key].nunique() > 1]
    return {
        key: [value_cell(row[key], reason=NOT_SET) for row in records]
        for key in [*varying, *setting_columns(frame, name)]
    }


def _ranked(row: dict[Any, Any], value: str, rank: str, reason: str, ends: str = "") -> Cell:
    number = value_cell(row[value], reason=reason)
    if number.key is None:
        return number
    low, high = (row.get(f"{ends}_{side}", pd.NA) for side in ("low", "high")) if ends else (pd.NA, pd.NA)
    spread = "" if pd.isna(low) else f" [{low:.3f}, {high:.3f}]"
    place = f" ({row[rank]:g})" if pd.notna(row[rank]) else ""
    return Cell(number.text + spread + place, number.key)


def _no_score(row: dict[Any, Any]) -> str:
    return UNSCORED if row["strategy"] == UNTRAINED else row["note"]


def _gain(row: dict[Any, Any]) -> Cell:
    reason = row["note"] if pd.isna(row["accuracy"]) else NO_BASE
    return value_cell(row["gain"], "" if pd.isna(row["gain"]) else f"{row['gain']:+.3f}", reason=reason)


def _chance(row: dict[Any, Any], found: dict[Any, dict[Any, Any]]) -> Cell:
    one = found.get((row["benchmark"], row["target_model"], row["metric"]))
    if one is None:
        return value_cell(None, reason="the metric has no direction")
    chance = one["chance"]
    return value_cell(
        chance,
        "" if pd.isna(chance) else f"{100 * chance:.0f} %",
        reason=str(one["note"]),
    )


def _interval(row: dict[Any, Any]) -> Cell:
    low, high = row["spearman_low"], row["spearman_high"]
    if pd.notna(low):
        return Cell(f"{value_cell(low).text} to {value_cell(high).text}", float(low))
    lost = "no correlation" if pd.isna(row["spearman"]) else "no scores per question, so nothing to resample"
    return value_cell(None, reason=lost)


def _no_pick(row: dict[Any, Any]) -> str:
    if pd.isna(row["picked"]):
        return "the metric has no direction"
    unscored = "a trained strategy has no score, which the metric might have picked"
    return "the picked strategy has no accuracy" if pd.isna(row["picked_accuracy"]) else unscored


def _first(note: str) -> str:
    return note.split(";")[0]


def _notes(records: list[dict[Any, Any]]) -> dict[str, list[Cell]]:
    notes = [row["note"] for row in records]
    return {"note": [Cell(note, note or None) for note in notes]} if any(notes) else {}
