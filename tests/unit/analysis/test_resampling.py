from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from sppl.analysis.resampling import draws, interval, resampled_values, share_first


@dataclass(frozen=True)
class Aggregate:
    of: str
    name: str = "m"
    higher_is_better: bool | None = False

    def aggregate(self, scores):
        if self.of == "ratio":
            return float(scores["value"].mean() / scores["other"].mean())
        return float(getattr(scores["value"], self.of)())


def frame(values, **more):
    ids = [f"{i:04}" for i in range(len(values))]
    return pd.DataFrame({"strategy": "s", "example_id": ids, "value": values, **more})


@dataclass(frozen=True)
class Plain:
    name: str = "m"
    higher_is_better: bool | None = False


@pytest.mark.parametrize("metric", [Plain(), Aggregate("mean")])
def test_a_mean_is_that_of_the_drawn_values(metric):
    values = np.random.default_rng(0).lognormal(size=40)
    found = resampled_values({"a": frame(values)}, metric, resamples=50, seed=3)
    assert found[:, 0].tolist() == [values[rows].mean() for rows in draws(40, 50, 3)]


@pytest.mark.parametrize("of", ["median", "ratio"])
def test_any_other_aggregate_is_called_on_whole_repeated_examples(of):
    rng = np.random.default_rng(0)
    values, other = rng.lognormal(size=40), rng.lognormal(size=40)
    found = resampled_values({"a": frame(values, other=other)}, Aggregate(of), resamples=20)
    for value, rows in zip(found[:, 0], draws(40, 20, 0), strict=True):
        expected = np.median(values[rows]) if of == "median" else values[rows].sum() / other[rows].sum()
        assert value == pytest.approx(expected)


@dataclass(frozen=True)
class Told:
    """Any aggregate, keeping whether it was called on rows."""

    of: Callable[[pd.DataFrame], float]
    rows: list[bool] = field(default_factory=list)
    name: str = "m"
    higher_is_better: bool | None = False

    def aggregate(self, scores):
        self.rows.append(isinstance(scores, pd.DataFrame))
        return float(self.of(scores))


OF_MEANS = {
    "a ratio": lambda scores: scores["value"].mean() / scores["other"].mean(),
    "a ratio that is never of nothing": lambda scores: scores["value"].mean() / max(scores["other"].mean(), 0.5),
    "a mean": lambda scores: scores["value"].mean(),
    "a product": lambda scores: scores["value"].mean() * (1 + 3 * scores["other"].mean()) ** 2,
}
OF_ROWS = {
    "a median": lambda scores: scores["value"].median(),
    "numpy's mean of a product": lambda scores: np.mean(scores["value"] * scores["other"]),
    "a mean of half the rows": lambda scores: scores[scores["other"] > scores["other"].median()]["value"].mean(),
    "a column by its place": lambda scores: scores.iloc[:, 0].mean() + len(scores),
    "a mean over groups": lambda scores: scores.groupby("group")["value"].mean().sum(),
    "a mean without gaps": lambda scores: scores["value"].mean() - scores["gap"].mean(),
    "a mean of whole numbers": lambda scores: scores["value"].mean() - scores["group"].mean(),
    "means, of some draws only": lambda s: s["value"].mean() if s["other"].mean() < 1.1 else s["value"].median(),
}


@pytest.mark.parametrize("n", [1, 2, 6, 8, 9, 127, 129, 300])
@pytest.mark.parametrize("of", [*OF_MEANS, *OF_ROWS])
def test_an_aggregate_gives_to_the_last_digit_what_it_gives_of_the_rows_of_each_draw(of, n):
    rng = np.random.default_rng(n)
    more = {"other": rng.lognormal(size=n), "group": rng.integers(0, 3, n)}
    scores = frame(rng.lognormal(size=n), **more, gap=np.where(np.arange(n) % 2, np.nan, more["other"]))
    metric = Told({**OF_MEANS, **OF_ROWS}[of])
    found = resampled_values({"a": scores}, metric, resamples=60)[:, 0]
    assert metric.rows.count(True) < 20 or of in OF_ROWS  # else the rows of every draw were made
    one_by_one = [metric.aggregate(scores.iloc[rows, 2:].reset_index(drop=True)) for rows in draws(n, 60, 0)]
    np.testing.assert_array_equal(found, one_by_one)


def test_a_constant_shift_between_strategies_is_certain_because_examples_are_paired():
    hard = np.random.default_rng(0).normal(0, 10, 60)
    drawn = resampled_values({"a": frame(hard), "b": frame(hard + 0.1)}, Aggregate("mean"))
    assert share_first(drawn, higher_is_better=False).tolist() == [1, 0]


def test_intervals_of_paired_differences_cover_the_truth():
    """95 % intervals of a difference must cover it in about 95 % of worlds; unpaired they would cover in 100 %."""
    rng, hits, wide, worlds = np.random.default_rng(0), 0, 0, 300
    for _ in range(worlds):
        hard = rng.normal(0, 3, 100)
        a, b = frame(hard + rng.normal(0, 0.3, 100)), frame(hard + rng.normal(0.1, 0.3, 100))
        drawn = resampled_values({"a": a, "b": b}, Aggregate("mean"), resamples=400)
        low, high = interval((drawn[:, 1] - drawn[:, 0])[:, None])
        hits += bool(low[0] <= 0.1 <= high[0])
        wide += bool(high[0] - low[0] > 0.3)
    assert 0.90 <= hits / worlds <= 0.985
    assert wide == 0


def test_intervals_of_a_value_cover_its_truth():
    rng, hits = np.random.default_rng(1), 0
    for _ in range(300):
        drawn = resampled_values({"a": frame(rng.normal(2, 1, 80))}, Aggregate("mean"), resamples=400)
        low, high = interval(drawn)
        hits += bool(low[0] <= 2 <= high[0])
    assert 0.90 <= hits / 300 <= 0.985


def test_a_tie_for_the_first_place_is_shared():
    values = np.array([[1.0, 1.0, 2.0], [3.0, 1.0, 2.0]])
    assert share_first(values, higher_is_better=False).tolist() == [0.25, 0.75, 0]
    assert share_first(values, higher_is_better=True).tolist() == [0.5, 0, 0.5]
