from dataclasses import dataclass

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


def test_the_vectorised_mean_equals_calling_aggregate():
    values = np.random.default_rng(0).lognormal(size=40)
    found = resampled_values({"a": frame(values)}, Aggregate("mean"), resamples=50, seed=3)
    assert found[:, 0] == pytest.approx([values[rows].mean() for rows in draws(40, 50, 3)], abs=1e-12)


@pytest.mark.parametrize("of", ["median", "ratio"])
def test_any_other_aggregate_is_called_on_whole_repeated_examples(of):
    rng = np.random.default_rng(0)
    values, other = rng.lognormal(size=40), rng.lognormal(size=40)
    found = resampled_values({"a": frame(values, other=other)}, Aggregate(of), resamples=20)
    for value, rows in zip(found[:, 0], draws(40, 20, 0), strict=True):
        expected = np.median(values[rows]) if of == "median" else values[rows].sum() / other[rows].sum()
        assert value == pytest.approx(expected)


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
