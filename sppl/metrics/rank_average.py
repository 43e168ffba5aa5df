"""Several metrics joined by their order of the responses to each question."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from sppl.metrics.needs import EXAMPLE, Candidates, Metric, Need, Tables, as_values, tables_of


@dataclass(frozen=True)
class RankAverage:
    """Mean rank of a response among the responses to its question, over several metrics (1 = best by all of them).

    RANK(r_k | q) = 1/M * sum_m rank of m(r_k | q) among m(r_1 | q), m(r_2 | q), ..., each metric in its own direction;
    equal values share the mean of their ranks. Lower is better. A Borda count: no metric's scale or outliers matter.
    A strategy's value is the arithmetic mean over examples, and depends on its rivals.

    Args:
        metrics: two or more, with a direction.
    """

    metrics: Sequence[Metric]
    higher_is_better: bool | None = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", tuple(self.metrics))  # settings come as a list
        without = [metric.name for metric in self.metrics if metric.higher_is_better is None]
        if without:
            raise ValueError(f"rank_average: {', '.join(without)} has no direction, so its ranks cannot be averaged")
        tested = [metric.name for metric in self.metrics if any(need.trained for need in tables_of(metric))]
        if tested:
            raise ValueError(f"rank_average: {', '.join(tested)} has values of test questions, not of scored ones")
        if len({metric.name for metric in self.metrics}) < max(2, len(self.metrics)):
            names = ", ".join(metric.name for metric in self.metrics) or "none"
            raise ValueError(f"rank_average joins two or more different metrics, got {names}")

    @property
    def name(self) -> str:
        return "rank_average_" + "_and_".join(metric.name for metric in self.metrics)

    def needs(self) -> tuple[Need, ...]:
        return (*dict.fromkeys(need for metric in self.metrics for need in metric.needs()), Candidates())

    def per_example(self, tables: Tables) -> pd.DataFrame:
        values = pd.concat([self._low_is_good(metric, tables) for metric in self.metrics], axis=1, join="inner")
        return as_values(values.groupby(level="example_id").rank().mean(axis=1))

    def _low_is_good(self, metric: Metric, tables: Tables) -> pd.Series:
        own = {need: tables[need] for need in tables_of(metric)}
        values = metric.per_example(own).set_index(EXAMPLE)["value"].rename(metric.name)
        return -values if metric.higher_is_better else values
