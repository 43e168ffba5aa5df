"""Ranks strategies after a race, in which those that were dropped were scored on fewer questions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sppl.analysis.ranking import rank
from sppl.analysis.resampling import RankedMetric, value_of


def rank_raced(
    scores: pd.DataFrame,
    metrics: Sequence[RankedMetric],
    decisions: pd.DataFrame,
    *,
    leading: str,
    n_questions: int,
) -> pd.DataFrame:
    """Returns rankings as `sppl.analysis.ranking.rank` does, after a race of one benchmark and target.

    No values of different questions are compared. By the leading metric those who got further stand before those who
    were dropped earlier; those who got equally far are ordered by their values, which are of the same questions; each
    row's value is that of all questions the strategy was scored on, `first_value` that of the first strategy on those
    same questions. `p_first` is <NA> but among several survivors. Every other metric is ranked on the questions that
    all strategies were scored on. `race` says so in every row, and so does `note`.

    Args:
        scores: per example.
        metrics: which of the scores' metrics to rank by.
        decisions: of `sppl.study.race`, one row per batch and strategy: `questions, strategy, behind, z, limit,
            survives`.
        leading: name of the metric the race was run by.
        n_questions: that there were to race over.
    """
    last = decisions.sort_values("questions").groupby("strategy").tail(1).set_index("strategy")
    parts = []
    for metric in metrics:
        own = scores[scores["metric"] == metric.name]
        if metric.name == leading:
            parts.append(_by_race(own, metric, last, n_questions))
            continue
        shared = on_shared_questions(own)
        note = (
            f"on the {shared['example_id'].nunique()} questions all strategies were scored on in the race by {leading}"
        )
        parts.append(rank(shared, [metric]).assign(race=note if len(shared) < len(own) else ""))
    frame = pd.concat(parts, ignore_index=True)
    frame["note"] = ["; ".join(filter(None, pair)) for pair in zip(frame["note"], frame["race"], strict=True)]
    return frame


def on_shared_questions(scores: pd.DataFrame) -> pd.DataFrame:
    """Returns the scores per example of the questions for which every strategy has one by the metric."""
    keys = ["benchmark", "target_model", "metric"]
    n = scores.groupby(keys)["strategy"].transform("nunique")
    return scores[scores.groupby([*keys, "example_id"], dropna=False)["strategy"].transform("nunique") == n]


def _by_race(scores: pd.DataFrame, metric: RankedMetric, last: pd.DataFrame, n_questions: int) -> pd.DataFrame:
    """The leading metric's ranking: survivors first, then by how late a strategy was dropped."""
    tiers: dict[tuple[bool, int], list[str]] = {}
    for name, survives, questions in zip(last.index, last["survives"], last["questions"], strict=True):
        tiers.setdefault((bool(survives), int(questions)), []).append(str(name))
    parts: list[pd.DataFrame] = []
    best, before = "", 0
    for (survives, questions), names in sorted(tiers.items(), reverse=True):
        here = scores[scores["strategy"].isin([*names, best])]
        ids = on_shared_questions(here)["example_id"].unique()
        group = here[here["example_id"].isin(ids)]
        frame = rank(group, [metric], strategies=names)
        best = best or str(frame["strategy"].iloc[0])
        frame["rank"] += before
        frame["first_value"] = value_of(metric, group[group["strategy"] == best])
        if before or len(names) == 1:
            frame["p_first"] = pd.NA
        place = {"survives": survives, "together": len(names), "where": f"after {questions} of {n_questions} questions"}
        frame["race"] = [_standing(last.loc[name], **place) for name in frame["strategy"]]
        frame["note"] = ""  # a single strategy has others to compare with here
        parts.append(frame)
        before += len(names)
    return pd.concat(parts, ignore_index=True)


def _standing(row: pd.Series, *, survives: bool, together: int, where: str) -> str:
    if not survives:
        return f"dropped {where}: {_behind(row)} on the same questions, {_distance(row)}"
    return f"won the race {where}" if together == 1 else f"still in the race {where}"


def _behind(row: Any) -> str:
    """How far behind, in the race's scale and in the table's."""
    times = f"{np.exp(row['behind']):.2f}"
    return f"{row['behind']:.3f} nats per token behind (a geometric mean perplexity {times} times as high)"


def _distance(row: Any) -> str:
    return f"{row['z']:.1f} standard errors, the limit is {row['limit']:.1f}"


def race_sentences(races: pd.DataFrame) -> list[str]:
    """Returns sentences on what happened in each race.

    Args:
        races: the decisions, with `benchmark, target_model, metric`, `of`, the questions there were, and `error`, the
            chance that the best strategy is dropped.
    """
    lines = []
    for (benchmark, target, metric), part in races.groupby(["benchmark", "target_model", "metric"], sort=False):
        raced, of = part.groupby("strategy")["questions"].max(), int(part["of"].iloc[0])
        dropped = [
            f"{row['strategy']} out after {row['questions']} ({_behind(row)}: {_distance(row)})"
            for row in part[~part["survives"]].to_dict("records")
        ]
        left = part.loc[(part["questions"] == part["questions"].max()) & part["survives"], "strategy"].tolist()
        end = f"{left[0]} won" if len(left) == 1 else f"{', '.join(left)} were still in it"
        lines.append(
            f"{benchmark} / {target}: race by {metric}: {'; '.join([*dropped, end])} after {raced.max()} of {of} "
            f"questions; {raced.sum():,} of {of * len(raced):,} responses scored; the best strategy is dropped in at "
            f"most {100 * part['error'].iloc[0]:g} % of such races"
        )
    return lines
