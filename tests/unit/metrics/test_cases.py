"""One file of numbers worked out by hand per metric."""

import pandas as pd
import pytest

from sppl.analysis.resampling import value_of
from tests.unit.metrics.tables import CASES, load, values

pytestmark = pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)


def test_a_metric_gives_the_numbers_worked_out_by_hand(path):
    case, metric, tables = load(path)
    assert values(metric, tables) == pytest.approx(case["per_example"], rel=1e-6, abs=1e-7)
    scores = metric.per_example(tables)
    assert value_of(metric, scores[scores["strategy"] == "gpt4"]) == pytest.approx(case["value"], rel=1e-6)
    assert metric.name == path.stem


def test_a_metric_does_not_depend_on_the_order_of_examples(path):
    _, metric, tables = load(path)
    backwards = {need: frame.iloc[::-1].reset_index(drop=True) for need, frame in tables.items()}
    again, first = (
        metric.per_example(rows).sort_values(["strategy", "example_id"], ignore_index=True)
        for rows in (backwards, tables)
    )
    pd.testing.assert_frame_equal(first, again)
    assert value_of(metric, again) == pytest.approx(value_of(metric, again.iloc[::-1]))


def test_a_value_per_response_and_nothing_missing(path):
    _, metric, tables = load(path)
    scores = metric.per_example(tables)
    keys = next(iter(tables.values()))[["strategy", "example_id"]].drop_duplicates()
    assert len(scores) == len(keys)
    assert scores.notna().all(axis=None)
    assert scores["value"].dtype == "float64"
