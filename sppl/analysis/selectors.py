"""Selectors: ways to choose a strategy other than by one metric: other outcomes, length, training a few."""

from collections.abc import Callable

import pandas as pd

from sppl.analysis.bed import SCORE_COLUMNS, Bed, rank_bed
from sppl.analysis.checks import PAIR
from sppl.analysis.outcomes import UNTRAINED
from sppl.analysis.settling import TOLERANCE, settle_by_one_seed, settle_by_pilots

OTHER_TARGETS = "best of other targets"
FIXED = "fixed strategy"
LONGEST, SHORTEST = "longest responses", "shortest responses"
RANDOM, TRAIN_ONCE = "random", "train all once"
PILOTS = "train_then_test"
"""The beginning of the names of metrics that are accuracies after a short training."""


def grouping(frame: pd.DataFrame) -> str:
    """Returns the column that is left out or redrawn as a whole: the benchmark where it varies, else the target."""
    return "benchmark" if frame["benchmark"].nunique() > 1 else "target_model"


def lead_on_other_targets(reached: pd.DataFrame) -> pd.DataFrame:
    """Returns per case and strategy its mean accuracy for other targets of the benchmark, as a metric's scores.

    Accuracies count as differences to the mean of their case, so that a strategy gains nothing from having been tried
    on easy cases only. A strategy that no other target was trained on has no row.
    """

    def others(frame: pd.DataFrame, case: pd.DataFrame) -> pd.Series:
        same = frame["benchmark"] == case["benchmark"].iloc[0]
        return same & (frame["target_model"] != case["target_model"].iloc[0])

    return _prior(reached, OTHER_TARGETS, others)


def rank_by_other_targets(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Returns rankings by the mean lead for all other targets, where each trained strategy has one.

    Empty unless several targets were trained on the same benchmark, all with the same settings.
    """
    trained = outcomes[outcomes["strategy"] != UNTRAINED]
    if trained["setup"].nunique() != 1:
        return pd.DataFrame()
    reached = Bed("", pd.DataFrame(columns=SCORE_COLUMNS), trained).accuracies()
    return rank_bed(lead_on_other_targets(reached), reached) if len(reached) else pd.DataFrame()


def choose_fixed(reached: pd.DataFrame) -> pd.DataFrame:
    """Returns per strategy its mean lead over the cases of all other benchmarks (or targets), as a metric's scores."""
    by = grouping(reached)
    return _prior(reached, FIXED, lambda frame, case: frame[by] != case[by].iloc[0])


def _prior(
    reached: pd.DataFrame, name: str, elsewhere: Callable[[pd.DataFrame, pd.DataFrame], pd.Series]
) -> pd.DataFrame:
    centred = reached.assign(lead=reached["accuracy"] - reached.groupby(PAIR)["accuracy"].transform("mean"))
    parts = []
    for _, case in reached.groupby(PAIR):
        means = centred[elsewhere(centred, case)].groupby("strategy")["lead"].mean()
        parts.append(case[[*PAIR, "strategy"]].assign(value=case["strategy"].map(means)))
    frame = pd.concat(parts, ignore_index=True).assign(metric=name, direction="higher")
    return frame.loc[frame["value"].notna(), SCORE_COLUMNS]


def choose_by_length(scores: pd.DataFrame) -> pd.DataFrame:
    """Returns the metric `length` as two selectors: the longest and the shortest responses."""
    lengths = scores[scores["metric"] == "length"]
    return pd.concat(
        [lengths.assign(metric=LONGEST, direction="higher"), lengths.assign(metric=SHORTEST, direction="lower")],
        ignore_index=True,
    )


def choose_at_random(reached: pd.DataFrame) -> pd.DataFrame:
    """Returns per case what a random pick loses: `spearman` (0), `regret`, `top1`, `random` (the same regret)."""
    rows = []
    for key, case in reached.groupby(PAIR):
        accuracy = case["accuracy"].to_numpy(float)
        lost = accuracy.max() - accuracy
        found = {"spearman": 0.0, "regret": lost.mean(), "top1": (lost < TOLERANCE).mean(), "random": lost.mean()}
        rows.append(dict(zip(PAIR, key, strict=True)) | found)
    return pd.DataFrame(rows)


def choose_by_training(
    rankings: pd.DataFrame, scores: pd.DataFrame, outcomes: pd.DataFrame, reached: pd.DataFrame
) -> pd.DataFrame:
    """Returns what is lost by training all strategies once, or only the best by SPPL.

    One row per case and `selector`: every strategy with one seed, the three best by SPPL with one seed, the two best by
    SPPL with pilots. Those that the records do not allow are left out.

    Args:
        rankings: by every metric.
        scores: where pilots are a metric.
        outcomes: of all seeds.
        reached: their means.
    """
    parts = [settle_by_one_seed(outcomes).assign(selector=TRAIN_ONCE)]
    lead = next((name for name in _names(rankings) if name.startswith("sppl")), None)
    if lead:
        led = rankings[rankings["metric"] == lead]
        parts.append(settle_by_one_seed(outcomes, led, 3).assign(selector=f"3 best by {lead}, trained once"))
        for pilots in (name for name in _names(scores) if name.startswith(PILOTS)):
            tried = scores[scores["metric"] == pilots]
            found = settle_by_pilots(led, tried, reached, 2)
            parts.append(found.assign(selector=f"2 best by {lead}, piloted"))
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _names(frame: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(frame["metric"])) if len(frame) else []
