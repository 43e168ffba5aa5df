"""A combination of metrics searched on the main tasks, then left as it is."""

from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sppl.analysis.checks import PAIR
from sppl.analysis.combining import Combination, standard_scores

FEATURES = ("sppl_n2", "perplexity", "ifd", "reward", "log_probability")
STEP = 4
"""Weights are multiples of one over it and add up to 1."""
PICKER = Combination("picker", {"perplexity": 0.5, "ifd": 0.5})
"""What the search found on the 17 main tasks; fixed before it was tried on PlanBench."""


def candidates() -> list[dict[str, float]]:
    """All weightings of the search, in a fixed order."""
    grid = product(range(STEP + 1), repeat=len(FEATURES))
    return [dict(zip(FEATURES, (k / STEP for k in one), strict=True)) for one in grid if sum(one) == STEP]


def search(rankings: pd.DataFrame, accuracies: pd.DataFrame) -> pd.DataFrame:
    """One row per weighting: mean `accuracy` of its picks over all pairs, and `left_out`.

    The best weighting is the first row (equal accuracies in the order of `candidates`). `left_out` is the same number
    in every row: the mean accuracy when the weighting is searched anew without each benchmark and then picks there,
    that is, what the search is worth rather than what it fitted.

    Args:
        rankings: of the main pairs and all `FEATURES`.
        accuracies: of `sppl.analysis.outcomes.accuracies`, one setup.
    """
    weights = candidates()
    reached, tasks = _picked(standard_scores(rankings), accuracies, np.array([[*one.values()] for one in weights]))
    nested = np.concatenate(
        [reached[tasks == task, reached[tasks != task].mean(axis=0).argmax()] for task in np.unique(tasks)]
    )
    frame = pd.DataFrame(weights).assign(accuracy=reached.mean(axis=0).round(12), left_out=nested.mean())
    return frame.sort_values("accuracy", ascending=False, kind="stable", ignore_index=True)


def _picked(scores: pd.DataFrame, accuracies: pd.DataFrame, weights: NDArray) -> tuple[NDArray, NDArray]:
    """Accuracy of the pick per pair (row) and weighting (column), and the pairs' benchmarks."""
    wide = scores.pivot(index=[*PAIR, "strategy"], columns="metric", values="score")[list(FEATURES)]
    truth = accuracies.set_index([*PAIR, "strategy"])["accuracy"].astype(float)
    joined = wide.join(truth, how="inner").dropna().sort_index()
    rows, tasks = [], []
    for (benchmark, _), part in joined.groupby(PAIR):
        first = (part[list(FEATURES)].to_numpy(float) @ weights.T).round(12).argmin(axis=0)
        rows.append(part["accuracy"].to_numpy(float)[first])
        tasks.append(benchmark)
    return np.array(rows), np.array(tasks)
