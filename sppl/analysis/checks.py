"""Checks scores and outcomes before anything is compared, and reports all faults of a frame in one message."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sppl.schemas import UserError

PAIR = ["benchmark", "target_model"]


def check_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Returns the scores with all key columns, sorted by key.

    Raises:
        UserError: duplicated keys, or values that are missing or infinite; the message names the first of each.
    """
    frame = scores.copy()
    for column in ("example_id", "start", "end"):
        if column not in frame:
            frame[column] = pd.NA
    key = [*PAIR, "metric", "strategy", "example_id", "start", "end"]
    bad = frame[~np.isfinite(frame["value"].to_numpy(dtype=float))]
    faults = [f"{len(bad)} values are not finite numbers, the first: {_row(bad, key)}"] if len(bad) else []
    double = frame[frame.duplicated(key)]
    faults += [f"{len(double)} rows repeat another row's key, the first: {_row(double, key)}"] if len(double) else []
    if faults:
        raise UserError("scores cannot be ranked: " + "; ".join(faults) + ". Score these strategies again.")
    return frame.sort_values(key, ignore_index=True)


def check_metrics(asked: list[str], there: Sequence[str], where: str) -> None:
    """Refuses metrics without scores, and two metrics of one name.

    Raises:
        UserError: a metric has no scores; the message lists those that have. Two are one by their names.
    """
    if twice := sorted({name for name in asked if asked.count(name) > 1}):
        raise UserError(
            f"{where}: {', '.join(twice)} is asked for more than once: two entries of `metric` with the same settings. "
            "Leave one out, or give them other settings"
        )
    missing = [name for name in asked if name not in there]
    if missing:
        raise UserError(
            f"{where}: no scores of {', '.join(missing)} (there are: {', '.join(there)}); the stages "
            "`score` and `rank` make them where it is in `metric`; or leave it out."
        )


def check_strategies(group: pd.DataFrame, asked: Sequence[str], metric: str, where: str) -> None:
    """Refuses a ranking that lacks the scores of a strategy.

    Raises:
        UserError: a strategy has no score of this metric; the message is the command that makes it.
    """
    found = set(group["strategy"])
    missing = [name for name in asked if name not in found]
    if missing:
        there = ", ".join(sorted(found))
        raise UserError(
            f"{where}: no {metric} scores of {', '.join(missing)} (there are: {there}); the "
            "stages `score` and `rank` make them where they are in `strategy`; or leave them out."
        )


def check_examples(group: pd.DataFrame, metric: str, where: str) -> None:
    """Refuses strategies that were scored on different examples; `group` has one metric's scores per example.

    Raises:
        UserError: strategies were scored on different examples; the message says what is missing where.
    """
    ids = {str(strategy): set(rows["example_id"]) for strategy, rows in group.groupby("strategy")}
    union = set().union(*ids.values())
    gaps = [f"{strategy} lacks {_some(union - found)}" for strategy, found in ids.items() if union - found]
    if gaps:
        raise UserError(
            f"{where}: {metric} was computed on unequal sets of questions: {'; '.join(gaps)}. Strategies are compared "
            "on the same questions only: add the missing responses, or lower n_score to questions all have."
        )


def check_outcomes(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Returns the outcomes, sorted by key.

    Raises:
        UserError: duplicated keys, missing accuracies, or accuracies outside 0 to 1.
    """
    key = [*PAIR, "setup", "strategy", "seed"]
    accuracy = outcomes["accuracy"].to_numpy(dtype=float)
    bad = outcomes[~((accuracy >= 0) & (accuracy <= 1))]
    faults = []
    if len(bad):
        faults.append(
            f"{len(bad)} accuracies are not fractions between 0 and 1 (percent? divide by 100), the first: "
            f"{bad['accuracy'].iloc[0]} in {_row(bad, key)}"
        )
    double = outcomes[outcomes.duplicated(key)]
    faults += [f"{len(double)} rows repeat another row's key, the first: {_row(double, key)}"] if len(double) else []
    if faults:
        raise UserError("outcomes cannot be used: " + "; ".join(faults))
    return outcomes.sort_values(key, ignore_index=True)


def _row(frame: pd.DataFrame, key: list[str]) -> str:
    return ", ".join(f"{column}={frame[column].iloc[0]}" for column in key if not pd.isna(frame[column].iloc[0]))


def _some(ids: set[str], limit: int = 3) -> str:
    shown = ", ".join(sorted(ids)[:limit])
    return f"{len(ids)} ({shown}{', ...' if len(ids) > limit else ''})"
