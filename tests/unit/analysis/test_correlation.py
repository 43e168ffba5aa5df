import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from sppl.analysis.correlation import average_ranks, spearman, spearman_no_ties, why_undefined

few_values = st.lists(st.integers(0, 4), min_size=2, max_size=9)


@given(st.integers(2, 9).flatmap(lambda n: st.tuples(*[st.lists(st.integers(0, 4), min_size=n, max_size=n)] * 2)))
def test_spearman_equals_scipys_with_ties(pair):
    a, b = pair
    if len(set(a)) == 1 or len(set(b)) == 1:
        assert spearman(a, b) is None
    else:
        assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)


@given(few_values)
def test_average_ranks_equal_scipys(values):
    assert average_ranks(values).tolist() == rankdata(values).tolist()


@given(st.permutations(range(6)), st.permutations(range(6)))
def test_the_papers_formula_is_spearmans_where_nothing_ties(a, b):
    assert spearman_no_ties(a, b) == pytest.approx(spearman(a, b), abs=1e-12)


def test_the_papers_formula_keeps_the_order_of_equal_predictions():
    assert spearman_no_ties([1, 1], [0.2, 0.4]) == 1.0
    assert spearman_no_ties([1, 1], [0.4, 0.2]) == -1.0


def test_the_papers_formula_averages_ranks_of_equal_accuracies():
    assert spearman_no_ties([1, 2, 3], [0.5, 0.5, 0.9]) == pytest.approx(1 - 6 * 0.5 / 24)


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        ([1.0], [0.5], "1 strategies have both"),
        ([1.0, 1.0], [0.5, 0.6], "all scores are equal"),
        ([1.0, 2.0], [0.5, 0.5], "all accuracies are equal"),
    ],
)
def test_an_undefined_correlation_is_none_and_says_why(a, b, reason):
    assert spearman(a, b) is None
    assert reason in why_undefined(a, b)


def test_a_gap_is_not_a_correlation():
    with pytest.raises(ValueError, match="finite"):
        spearman([1.0, np.nan], [0.1, 0.2])
