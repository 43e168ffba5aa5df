"""Which metrics count as evidence of their own."""

import pandas as pd
import pytest

from sppl.analysis.independent import find_independent
from sppl.analysis.ranking import rank
from tests.unit.report.frames import Mean, examples, slices

BY = {"a": [1.0, 2.0, 3.0], "b": [2.0, 3.5, 4.0]}
OTHER = {"a": [3.0, 1.0, 2.0], "b": [9.0, 8.0, 7.0]}


def counted(lead="sppl_n2", composites=None, **metrics: dict[str, list[float]]):
    scores = pd.concat([examples(name, values) for name, values in metrics.items()], ignore_index=True)
    rankings = rank(scores, [Mean(name) for name in metrics])
    return find_independent(rankings, scores, composites or {}, lead)


def test_a_metric_that_stands_in_for_another_is_counted_once_and_named():
    names, out = counted(sppl_n2=BY, perplexity=BY, ifd=OTHER)
    assert names == ["sppl_n2", "ifd"]
    assert out == {"perplexity": "says here what sppl_n2 does"}


def test_the_one_that_leads_is_the_one_that_counts():
    names, out = counted(lead="perplexity", sppl_n2=BY, perplexity=BY)
    assert names == ["perplexity"]
    assert list(out) == ["sppl_n2"]


def test_another_scale_of_the_same_order_is_a_copy():
    squared = {name: [value**2 for value in values] for name, values in BY.items()}
    names, out = counted(sppl_n2=BY, other=squared)
    assert names == ["sppl_n2"]
    assert out == {"other": "orders single responses as sppl_n2 does"}  # its mean may order strategies otherwise


def test_the_same_order_of_strategies_alone_is_no_copy():
    swapped = {"a": [2.0, 1.0, 3.0], "b": [2.5, 3.5, 4.0]}
    assert counted(sppl_n2=BY, other=swapped)[0] == ["sppl_n2", "other"]


def test_a_composite_and_a_tie_do_not_count():
    tied = {"a": [1.0, 2.0, 3.0], "b": [3.0, 2.0, 1.0]}
    names, out = counted(composites={"both": ["sppl_n2", "ifd"]}, sppl_n2=BY, both=OTHER, tied=tied)
    assert names == ["sppl_n2"]
    assert out == {"both": "is made of sppl_n2, ifd", "tied": "has several strategies in the first place"}


@pytest.mark.parametrize(("values", "copies"), [({"a": 1.0, "b": 2.0}, True), ({"a": 1.0, "b": 2.5}, False)])
def test_without_scores_of_single_responses_equal_values_are_copies(values, copies):
    parts = [slices("sppl_n2", {"a": 1.0, "b": 2.0}), slices("perplexity", values)]
    rankings = rank(pd.concat(parts, ignore_index=True), [Mean("sppl_n2"), Mean("perplexity")])
    names, _ = find_independent(rankings, None, {}, "sppl_n2")
    assert (names == ["sppl_n2"]) == copies
