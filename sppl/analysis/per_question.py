"""Looks at an order of strategies question by question: who wins how many, and how many questions it takes."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sppl.analysis.checks import PAIR
from sppl.analysis.resampling import RankedMetric, draws, values_of

SIZES = (5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000)
RESAMPLES, SHARE = 100, 0.9
"""Resamples, and the share of them that must have an order for a number of questions to be enough."""
NONE = dict.fromkeys(["share_won", "spread_ratio", "n_needed"], pd.NA)


def per_question(
    examples: Mapping[str, pd.DataFrame], metric: RankedMetric, *, seed: int = 0
) -> dict[str, dict[str, object]]:
    """Returns strategy -> `share_won`, `spread_ratio`, `n_needed`; <NA> where they make no sense.

    `share_won`: share of the questions on which the strategy is best of all, ties shared.
    `spread_ratio`: standard deviation of its values over questions, after each question's mean over strategies is taken
    off, as a multiple of the standard deviation of the strategies' means: above 1, single questions differ more than
    strategies do.
    `n_needed`, the same for all strategies: the smallest number of questions, of some sizes up to all of them, at which
    at least 9 of 10 resamples order all strategies as all questions do; <NA> where all of them are not enough.

    Args:
        examples: per strategy its scores, one row per example, in the same order of examples for all.
        metric: its direction says who wins; without one there is nothing to win.
        seed: of the resamples.
    """
    if metric.higher_is_better is None or len(examples) < 2:
        return {name: dict(NONE) for name in examples}
    values = np.column_stack([frame["value"].to_numpy(float) for frame in examples.values()])
    best = values == (values.max if metric.higher_is_better else values.min)(axis=1, keepdims=True)
    won = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    within = (values - values.mean(axis=1, keepdims=True)).std(axis=0)
    between = values.mean(axis=0).std()
    needed = _needed(examples, metric, len(values), seed)
    return {
        name: {
            "share_won": float(won[at]),
            "spread_ratio": float(within[at] / between) if between > 0 else pd.NA,
            "n_needed": needed,
        }
        for at, name in enumerate(examples)
    }


def _needed(examples: Mapping[str, pd.DataFrame], metric: RankedMetric, n: int, seed: int) -> object:
    """The smallest number of questions that is enough, found by bisection: more questions are no less stable."""
    order = values_of(examples, metric, np.arange(n)[np.newaxis])[0]
    sizes = [*(size for size in SIZES if size < n), n]
    enough, too_few = len(sizes), -1
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        drawn = draws(n, RESAMPLES, seed, sizes[middle])
        if _same_order(values_of(examples, metric, drawn), order).mean() >= SHARE:
            enough = middle
        else:
            too_few = middle
    return sizes[enough] if enough < len(sizes) else pd.NA


def _same_order(drawn: NDArray, order: NDArray) -> NDArray:
    """Per resample, whether every two strategies stand to each other as they do by all questions.

    Neighbours in the order are compared: where these stand as they should, all do.
    """
    sorted_by = np.argsort(order, kind="stable")
    return (np.sign(np.diff(drawn[:, sorted_by])) == np.sign(np.diff(order[sorted_by]))).all(axis=1)


def single_questions(rankings: pd.DataFrame) -> pd.DataFrame:
    """Returns the figures on single questions from rankings that have scores of single questions."""
    if "share_won" not in rankings:  # made before it was kept
        return pd.DataFrame()
    columns = [*PAIR, "metric", "strategy", "rank", "n_examples", *NONE]
    return rankings.loc[rankings["share_won"].notna(), columns].reset_index(drop=True)
