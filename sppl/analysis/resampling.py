"""Bootstrap over whole examples, paired across strategies."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

KEYS = ["benchmark", "target_model", "strategy", "metric", "example_id", "start", "end"]
"""Columns that say which response a score belongs to; what is left is what a metric's own `aggregate` gets."""


class RankedMetric(Protocol):
    """What the analysis needs of a metric; it may have a method `aggregate` beside, see `value_of`."""

    @property
    def name(self) -> str:
        """The name in the tables' column `metric`."""
        ...

    @property
    def higher_is_better(self) -> bool | None:
        """The direction; None for a control that predicts nothing."""
        ...


def value_of(metric: RankedMetric, scores: pd.DataFrame) -> float:
    """A strategy's value: the mean of the column `value`, unless the metric has an `aggregate` that says otherwise.

    Args:
        metric: whose scores these are.
        scores: one row per example: `value` and the metric's further columns.
    """
    own = getattr(metric, "aggregate", None)
    return float(own(scores)) if own else float(scores["value"].mean())


def resampled_values(
    examples: Mapping[str, pd.DataFrame], metric: RankedMetric, *, resamples: int = 1000, seed: int = 0
) -> NDArray[np.float64]:
    """The metric's value per resample (row) and strategy (column, in the mapping's order).

    Every resample draws the same examples for all strategies, so what is common to them (a hard question is hard for
    all) does not blur their order.

    Args:
        examples: per strategy its scores, one row per example, in the same order of examples for all.
        metric: its value is taken of repeated rows; a plain mean of `value` is recognised and vectorised.
        resamples: how many.
        seed: of the draws.
    """
    n = len(next(iter(examples.values())))
    return values_of(examples, metric, draws(n, resamples, seed))


def values_of(
    examples: Mapping[str, pd.DataFrame], metric: RankedMetric, drawn: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The metric's value per row of `drawn` (positions of examples) and strategy (column, in the mapping's order)."""
    frames = {name: frame.drop(columns=KEYS, errors="ignore") for name, frame in examples.items()}
    values = {name: frame["value"].to_numpy(dtype=float) for name, frame in frames.items()}
    if all(_is_mean(metric, frames[name], values[name], drawn) for name in frames):
        return np.column_stack([values[name][drawn].mean(axis=1) for name in frames])
    return np.column_stack([_aggregated(metric, frame, drawn) for frame in frames.values()])


@lru_cache(maxsize=16)
def draws(n_examples: int, resamples: int, seed: int, size: int | None = None) -> NDArray[np.int64]:
    """Positions of `size` (by default all) drawn examples, one resample per row; equal arguments give equal draws."""
    drawn = np.random.default_rng(seed).integers(n_examples, size=(resamples, n_examples if size is None else size))
    drawn.setflags(write=False)
    return drawn


def _is_mean(metric: RankedMetric, frame: pd.DataFrame, values: NDArray, drawn: NDArray) -> bool:
    """Whether the metric's value is the mean of `value`, judged by the sample and five resamples."""
    probes = [np.arange(len(values)), *drawn[:5]]
    found = np.array([[value_of(metric, frame.iloc[rows]), values[rows].mean()] for rows in probes])
    return bool(np.allclose(found[:, 0], found[:, 1], rtol=1e-12, atol=0))


def _aggregated(metric: RankedMetric, frame: pd.DataFrame, drawn: NDArray) -> NDArray[np.float64]:
    columns = {name: frame[name].to_numpy() for name in frame}
    return np.array([value_of(metric, pd.DataFrame({c: v[rows] for c, v in columns.items()})) for rows in drawn])


def share_first(values: NDArray, higher_is_better: bool) -> NDArray[np.float64]:
    """Per strategy (column) the share of resamples (rows) in which it is best; a tie is shared equally."""
    signed = values if higher_is_better else -values
    best = signed == signed.max(axis=1, keepdims=True)
    return (best / best.sum(axis=1, keepdims=True)).mean(axis=0)


def interval(values: NDArray, level: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Percentile interval of each column: its low and its high ends."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
