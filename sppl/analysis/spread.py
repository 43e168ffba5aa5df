"""Intervals of rank correlations, by redrawing questions and seeds."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sppl.analysis.checks import PAIR
from sppl.analysis.correlation import average_ranks, spearman
from sppl.analysis.resampling import RankedMetric, draws, resampled_values, value_of

SCORES_ONLY = "scored questions redrawn, accuracies taken as exact: less than the correlation's whole uncertainty"
"""Says what an interval covers where single answers of trained models are not known."""


def spearman_interval(
    scores: pd.DataFrame,
    metric: RankedMetric,
    ranked: pd.DataFrame,
    truth: pd.Series,
    answers: pd.DataFrame | None = None,
    *,
    resamples: int = 1000,
    level: float = 0.95,
) -> dict[str, float | str]:
    """Returns `spearman_low`, `spearman_high` and, in words, `spearman_interval`; empty without scores per example.

    Scored questions and test questions are redrawn, each for all strategies alike, and the seeds of every strategy that
    has several. Redrawing adds the noise once more that is in the measured values already, so redrawn correlations lie
    nearer to 0 than the measured one, as that does than the true one. Each end of the percentile interval is therefore
    moved out to the mirror image of the other about the measured correlation where that is further out, but never
    beyond what some redrawn order of scores has with some redrawn order of accuracies. Redrawn questions on which all
    strategies are equal have no correlation; they count half as -1 and half as 1.

    Args:
        scores: as `sppl.schemas.TABLES["scores"]`.
        metric: how they are aggregated.
        ranked: the ranking of one benchmark, target and metric.
        truth: accuracy per strategy.
        answers: what these accuracies are means of: `strategy, seed, question_id, correct`; without those of every
            strategy the accuracies are held fixed.
        resamples: how many.
        level: of the interval.
    """
    one = ranked.iloc[0]
    names = sorted(set(ranked["strategy"]) & set(truth.index))
    here = scores["metric"] == metric.name
    for column in PAIR:
        here &= scores[column] == one[column]
    rows = scores[here & scores["strategy"].isin(names)]
    if "example_id" not in rows or rows["example_id"].isna().any():
        return {}
    examples = {name: rows[rows["strategy"] == name].sort_values("example_id") for name in names}
    sign = -1.0 if metric.higher_is_better is False else 1.0
    values = sign * resampled_values(examples, metric, resamples=resamples)
    measured = [sign * value_of(metric, examples[name]) for name in names]
    accuracy, redrawn, words = truth[names].to_numpy(float), None, SCORES_ONLY
    if answers is not None and set(names) <= set(answers["strategy"]):
        own = answers[answers["strategy"].isin(names)]
        same = set(own["question_id"]) == set(examples[names[0]]["example_id"])  # of pilots: their test questions
        redrawn = _accuracies(own, names, resamples, seed=0 if same else 1)
        words = f"{100 * level:g} %: scored questions, test questions{_seeds(own)}"
    ends = _ends(spearman(measured, accuracy), values, accuracy[None] if redrawn is None else redrawn, level)
    return ends | {"spearman_interval": words} if ends else {}


def _accuracies(answers: pd.DataFrame, names: list[str], resamples: int, seed: int) -> NDArray[np.float64]:
    """Accuracies `[resamples, strategies]` on redrawn test questions, after training with redrawn seeds."""
    right = answers.pivot_table("correct", "question_id", "strategy", "mean")[names].dropna().sort_index()
    drawn = draws(len(right), resamples, seed)
    found = np.column_stack([right[name].to_numpy(float)[drawn].mean(axis=1) for name in names])
    rng = np.random.default_rng(seed + 2)
    for column, name in enumerate(names):
        runs = answers[answers["strategy"] == name].groupby("seed")["correct"].mean().to_numpy(float)
        if (n := len(runs)) > 1:  # of few runs the redrawn mean varies too little, by this factor
            redrawn = rng.choice(runs - runs.mean(), size=(resamples, n)).mean(axis=1)
            found[:, column] += np.sqrt(n / (n - 1)) * redrawn
    return found


def _seeds(answers: pd.DataFrame) -> str:
    counts = answers.groupby("strategy")["seed"].nunique()
    if counts.max() == 1:
        return " redrawn; one seed each, so what another seed changes is not in it"
    some = "" if counts.min() > 1 else " of those that have several"
    return f" and seeds{some} redrawn"


def _ends(measured: float | None, values: NDArray, accuracies: NDArray, level: float) -> dict[str, float | str]:
    """The ends of the interval; empty where no redrawn correlation is defined."""
    score, truth = _standardised(values), _standardised(accuracies)
    drawn = (score * truth).sum(axis=1)
    defined = drawn[np.isfinite(drawn)]
    if not len(defined):
        return {}
    nothing = np.ones(len(drawn) - len(defined))  # of draws in which all are equal: they exclude no correlation
    both = np.concatenate([defined, defined, nothing, -nothing])
    low, high = np.quantile(both, [(1 - level) / 2, (1 + level) / 2])
    if measured is not None:
        every = _orders(score) @ _orders(truth).T
        low, high = min(low, max(2 * measured - high, every.min())), max(high, min(2 * measured - low, every.max()))
    low, high = np.clip(np.round([low, high], 12), -1.0, 1.0) + 0.0  # no -0
    return {"spearman_low": float(low), "spearman_high": float(high)}


def _standardised(rows: NDArray) -> NDArray[np.float64]:
    """The ranks of every row, of mean 0 and length 1; not finite where all are equal."""
    ranks = np.array([average_ranks(row) for row in rows])
    ranks -= ranks.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return ranks / np.linalg.norm(ranks, axis=1, keepdims=True)


def _orders(standardised: NDArray) -> NDArray[np.float64]:
    """The different orders among the rows."""
    return np.unique(standardised[np.isfinite(standardised).all(axis=1)], axis=0)
