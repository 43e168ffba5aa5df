"""Bootstrap over whole examples, paired across strategies."""

from collections.abc import Mapping
from dataclasses import dataclass
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
        metric: its value is taken of repeated rows.
        resamples: how many.
        seed: of the draws.
    """
    n = len(next(iter(examples.values())))
    return values_of(examples, metric, draws(n, resamples, seed))


def values_of(
    examples: Mapping[str, pd.DataFrame], metric: RankedMetric, drawn: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The metric's value per row of `drawn` (positions of examples) and strategy (column, in the mapping's order)."""
    if not hasattr(metric, "aggregate"):
        return np.column_stack([frame["value"].to_numpy(float)[drawn].mean(axis=1) for frame in examples.values()])
    frames = [frame.drop(columns=KEYS, errors="ignore") for frame in examples.values()]
    return np.column_stack([_aggregated(metric, frame, drawn) for frame in frames])


@lru_cache(maxsize=16)
def draws(n_examples: int, resamples: int, seed: int, size: int | None = None) -> NDArray[np.int64]:
    """Positions of `size` (by default all) drawn examples, one resample per row; equal arguments give equal draws."""
    drawn = np.random.default_rng(seed).integers(n_examples, size=(resamples, n_examples if size is None else size))
    drawn.setflags(write=False)
    return drawn


def _aggregated(metric: RankedMetric, frame: pd.DataFrame, drawn: NDArray) -> NDArray[np.float64]:
    """The metric's own `aggregate` of every draw.

    Where it asks for nothing but means of columns, these are taken of all draws at once and no rows are made, which is
    twenty times faster or more; the numbers are the same to the last digit.
    """
    columns = {name: frame[name].to_numpy() for name in frame}
    whole = {c: v for c, v in columns.items() if v.dtype == np.float64 and not np.isnan(v).any()}
    means = {name: values[drawn].mean(axis=1) for name, values in whole.items()}

    def of_rows(at: int) -> float:
        return value_of(metric, pd.DataFrame({name: values[drawn[at]] for name, values in columns.items()}))

    def of_means(at: int) -> float | None:
        known = {name: _Mean(values[at]) for name, values in means.items()}
        try:
            return value_of(metric, known)  # type: ignore[arg-type]
        except Exception:  # noqa: BLE001  an `aggregate` may be anything: whatever it asks beyond means needs the rows
            return None

    if any(of_means(at) != of_rows(at) for at in range(min(5, len(drawn)))):
        return np.array([of_rows(at) for at in range(len(drawn))])
    found = (of_means(at) for at in range(len(drawn)))
    return np.array([of_rows(at) if value is None else value for at, value in enumerate(found)])


@dataclass(frozen=True)
class _Mean:
    """A column of which the mean alone is known."""

    known: np.float64

    def mean(self) -> np.float64:
        return self.known


def share_first(values: NDArray, higher_is_better: bool) -> NDArray[np.float64]:
    """Per strategy (column) the share of resamples (rows) in which it is best; a tie is shared equally."""
    signed = values if higher_is_better else -values
    best = signed == signed.max(axis=1, keepdims=True)
    return (best / best.sum(axis=1, keepdims=True)).mean(axis=0)


def interval(values: NDArray, level: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Percentile interval of each column: its low and its high ends."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
