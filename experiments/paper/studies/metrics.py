"""How metrics and their variants do on the paper's records. Accuracies are fractions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from sppl.analysis.blocks import BEST, average_blocks, judge_slices
from sppl.analysis.checks import PAIR
from sppl.analysis.combining import Combination
from sppl.analysis.conventions import PAPER, SOUND, Conventions, take_comparable
from sppl.analysis.outcomes import accuracies
from sppl.analysis.paper import OURS, RECORDED, RecordedMetric, main_outcomes, planbench_outcomes
from sppl.analysis.racing import Bound, Limit
from sppl.analysis.resampling import RankedMetric
from studies.differences import differences
from studies.racing_study import racing_study, two_standard_errors

CLEANED = replace(SOUND, name="sound, cleaned", scored_as=PAPER.scored_as)
"""The sound conventions on the cleaned text of `step_by_step`: some scores exist for that text only."""
SETS: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]] = {"main": main_outcomes, "planbench": planbench_outcomes}
SLICES = (
    *((0, 10), (10, 20), (20, 30), (0, 30), (30, 60), (60, 90), (0, 50), (50, 100), (100, 150)),
    *((0, 100), (100, 200), (200, 300), (0, 200), (0, 300)),
)
TRAIN_THEN_TEST = "train_then_test"


@dataclass(frozen=True)
class Aggregated:
    """Perplexity per example, joined over examples in another way than the mean."""

    name: str
    how: Callable[[np.ndarray], float]
    higher_is_better: bool | None = False

    def aggregate(self, scores: pd.DataFrame) -> float:
        """`how` of the values."""
        return float(self.how(scores["value"].to_numpy(float)))


def _trimmed(values: np.ndarray) -> float:
    cut = len(values) // 10
    return float(np.sort(values)[cut : len(values) - cut].mean())


AGGREGATIONS: Mapping[str, Callable[[np.ndarray], float]] = {
    "mean": np.mean,
    "median": np.median,
    "geometric": lambda values: np.exp(np.log(values).mean()),
    "trimmed_10": _trimmed,
    "capped_at_10": lambda values: np.minimum(values, 10).mean(),
}


def verdict(table: pd.DataFrame) -> pd.DataFrame:
    """One row per metric over all pairs: `accuracy` of its picks, `regret`, both correlations, `n_pairs`."""
    rows = average_blocks(table, {"all": -1.0})
    best = float(rows.loc[rows["method"] == BEST, "accuracy"].iloc[0])
    rows = rows[rows["method"] != BEST].rename(columns={"method": "metric"})
    rows = rows.assign(regret=best - rows["accuracy"])
    return rows[["metric", "n_pairs", "accuracy", "regret", "weighted_spearman", "spearman"]]


def complete(
    scores: pd.DataFrame, outcomes: pd.DataFrame, names: Sequence[str], conventions: Conventions
) -> pd.DataFrame:
    """The outcomes of pairs in which every one of the metrics has a score of every trained candidate."""
    frame = take_comparable(scores[scores["metric"].isin(list(names))], outcomes, conventions)
    found = frame.groupby([*PAIR, "metric"])["strategy"].nunique().unstack().reindex(columns=list(names))
    whole = found[found.eq(found.max(axis=1), axis=0).all(axis=1)].reset_index()[PAIR]
    return outcomes.merge(whole, on=PAIR)


def in_context_examples(scores: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """SPPL with 1 to 5 in-context answers, on the pairs that have all five."""
    metrics = [RecordedMetric(f"sppl_n{n}") for n in range(1, 6)]
    return _both_conventions(scores, outcomes, metrics)


def correctness_filter(scores: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """SPPL with in-context answers that were checked for correctness, and unchecked (in other words, see README)."""
    return _both_conventions(scores, outcomes, [RecordedMetric(OURS), RecordedMetric("sppl_n2_unfiltered")])


def _both_conventions(scores: pd.DataFrame, outcomes: pd.DataFrame, metrics: Sequence[RankedMetric]) -> pd.DataFrame:
    parts = []
    for name, select in SETS.items():
        for conventions in (PAPER, CLEANED):
            runs = complete(scores, select(outcomes), [metric.name for metric in metrics], conventions)
            table = verdict(judge_slices(scores, runs, metrics, conventions))
            parts.append(table.assign(tasks=name, conventions=conventions.name))
    return _first(pd.concat(parts, ignore_index=True), ["tasks", "conventions"])


def subset(scores: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """SPPL and perplexity from 10 to 300 questions at different positions, main tasks."""
    parts = []
    metrics = [RecordedMetric("perplexity"), RecordedMetric(OURS)]
    runs = main_outcomes(outcomes)
    for start, end in SLICES:
        table = judge_slices(scores, runs, metrics, replace(SOUND, slices=((start, end),)))
        parts.append(verdict(table).assign(n_questions=end - start, start=start))
    return _first(pd.concat(parts, ignore_index=True), ["n_questions", "start"]).sort_values(
        ["metric", "n_questions", "start"], ignore_index=True
    )


def train_then_test(scores: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Training every strategy on 100 responses first, as a metric, beside SPPL and perplexity on the same pairs."""
    runs, parts = main_outcomes(outcomes), []
    metrics = [
        RecordedMetric("perplexity"),
        RecordedMetric(OURS),
        RecordedMetric(TRAIN_THEN_TEST, higher_is_better=True),
    ]
    for setup in ("epochs=40, learning_rate=0.0002, n_train=100", "epochs=20, learning_rate=2e-05, n_train=100"):
        small = main_outcomes(outcomes, setup)
        scored = scores.loc[scores["metric"] == OURS, [*PAIR, "strategy"]].drop_duplicates()
        small = small[small["seed"] == 0].merge(scored, on=[*PAIR, "strategy"])
        small = small.assign(metric=TRAIN_THEN_TEST, value=small["accuracy"])
        both = pd.concat([scores, small[[*PAIR, "strategy", "metric", "value"]]], ignore_index=True)
        kept = complete(both, runs, [metric.name for metric in metrics], SOUND)
        parts.append(verdict(judge_slices(both, kept, metrics)).assign(trained_with=setup))
    return _first(pd.concat(parts, ignore_index=True), ["trained_with"])


def aggregation(scores: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """SPPL joined over examples by the mean, median, geometric, trimmed or capped mean; 50 and 300 questions."""
    own = scores[(scores["metric"] == OURS) & scores["example_id"].notna()]
    frame = pd.concat([own.assign(metric=name) for name in AGGREGATIONS], ignore_index=True)
    metrics = [Aggregated(name, how) for name, how in AGGREGATIONS.items()]
    parts = []
    for tasks, select in SETS.items():
        for questions, slices in (("3 x 50", PAPER.slices), ("300", ())):
            table = judge_slices(frame, select(outcomes), metrics, replace(SOUND, slices=slices))
            parts.append(verdict(table).assign(tasks=tasks, questions=questions))
    return _first(pd.concat(parts, ignore_index=True), ["tasks", "questions"])


def combinations(scores: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Sums of ranks and of standard scores of several metrics, equal weights, main tasks."""
    sets = [(OURS, "perplexity"), (OURS, "ifd"), (OURS, "reward"), ("perplexity", "reward"), (OURS, "ifd", "reward")]
    joined = [
        Combination(f"{how}: {' + '.join(names)}", dict.fromkeys(names, 1.0), how)
        for how in ("rank", "z")
        for names in sets
    ]
    return verdict(judge_slices(scores, main_outcomes(outcomes), RECORDED, also=joined))


def leave_one_out(scores: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """SPPL minus perplexity when one task or one model is left out: how much of the margin hangs on one of them."""
    table = judge_slices(scores, main_outcomes(outcomes), [RecordedMetric("perplexity"), RecordedMetric(OURS)])
    parts = [_margin(table).assign(left_out="none")]
    for column in ("target_model", "benchmark"):
        for name in sorted(table[column].unique()):
            parts.append(_margin(table[table[column] != name]).assign(left_out=name))
    return _first(pd.concat(parts, ignore_index=True), ["left_out"])


def _margin(table: pd.DataFrame) -> pd.DataFrame:
    rows = verdict(table).set_index("metric")
    gain = rows.loc[OURS] - rows.loc["perplexity"]
    return pd.DataFrame([gain[["accuracy", "weighted_spearman", "spearman"]].rename(lambda name: f"{name}_margin")])


def metric_differences(scores: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Every metric minus perplexity with a bootstrap over tasks, sound conventions and the paper's, main tasks."""
    runs = main_outcomes(outcomes)
    tables = [(one.name, judge_slices(scores, runs, RECORDED, one)) for one in (SOUND, PAPER)]
    parts = [differences(table, "perplexity").assign(conventions=name) for name, table in tables]
    return _first(pd.concat(parts, ignore_index=True), ["conventions"])


def racing(scores: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Racing with several errors, and with a fixed z, beside a uniform sample of equal cost; 20 random orders per pair.

    Main tasks; all 300 questions, and the first 50 of each order. The fixed z makes no allowance for the number of
    decisions, and states no error.
    """
    runs = main_outcomes(outcomes)
    own = take_comparable(scores[(scores["metric"] == OURS) & scores["example_id"].notna()], runs)
    rows = []
    rules: dict[str, Callable[[int, int], Limit]] = {
        f"error={error}": partial(Bound, error=error) for error in (0.01, 0.05, 0.1, 0.2)
    }
    rules["z=2"] = two_standard_errors
    for name, rule in rules.items():
        for questions in (50, 300):
            study = racing_study(own, accuracies(runs), rule=rule, questions=questions)
            means = study.drop(columns=[*PAIR, "order"]).astype(float).mean()
            rows.append({"rule": name, "questions": questions, "n_races": len(study)} | means.to_dict())
    return pd.DataFrame(rows)


def _first(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return frame[columns + [name for name in frame if name not in columns]]
