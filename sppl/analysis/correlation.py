"""Rank correlation of a prediction with the truth, in the sound form and in the paper's."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST = 4
"""Strategies that a rank correlation is shown of: of three, one order in six is perfect by chance."""


def average_ranks(values: ArrayLike) -> NDArray[np.float64]:
    """Returns ranks 1..n, smallest value first; equal values share the mean of their ranks."""
    array = np.asarray(values, dtype=float)
    _, inverse, counts = np.unique(array, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def too_few(n: int, least: int = LEAST) -> str:
    """Returns why no rank correlation of `n` strategies is shown, for a table's note; empty where one may be."""
    return f"n/a ({n} strategies to compare, a rank correlation needs {least})" if n < least else ""


def spearman(a: Sequence[float] | NDArray, b: Sequence[float] | NDArray) -> float | None:
    """Returns Spearman's correlation (Pearson's of average ranks); None where `why_undefined` has a reason."""
    if why_undefined(a, b):
        return None
    x, y = (ranks - ranks.mean() for ranks in (average_ranks(a), average_ranks(b)))
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1, 1))


def why_undefined(a: Sequence[float] | NDArray, b: Sequence[float] | NDArray) -> str:
    """Returns why the two have no rank correlation, in words for a table's note; empty where they have one.

    Raises:
        ValueError: unequal lengths, or a value that is not finite: a gap must be dealt with by the caller.
    """
    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if x.shape != y.shape or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError(f"a correlation needs pairs of finite numbers, got {a!r} and {b!r}")
    if len(x) < 2:
        return f"n/a ({len(x)} strategies have both score and accuracy, a correlation needs 2)"
    if (x == x[0]).all():
        return "n/a (all scores are equal)"
    if (y == y[0]).all():
        return "n/a (all accuracies are equal)"
    return ""


def spearman_no_ties(predicted: Sequence[float] | NDArray, truth: Sequence[float] | NDArray) -> float | None:
    """Returns 1 - 6 sum(d^2) / (n (n^2 - 1)), predicted ranks 1..n, true ranks averaged over ties; None for n < 2.

    The formula of arXiv 2502.11779's code, which is Spearman's only where nothing ties. Equal predictions keep the
    order in which they stand, so the caller decides what breaks a tie.
    """
    n = len(predicted)
    if n < 2:
        return None
    predicted_ranks = np.empty(n)
    predicted_ranks[np.argsort(np.asarray(predicted, dtype=float), kind="stable")] = np.arange(1, n + 1)
    difference = predicted_ranks - average_ranks(truth)
    return float(1 - 6 * (difference @ difference) / (n * (n * n - 1)))
