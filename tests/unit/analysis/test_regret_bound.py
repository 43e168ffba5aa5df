import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.analysis.regret_bound import bound, coverage


def test_nine_of_ten_recorded_regrets_and_the_new_one_lie_below_the_bound():
    assert bound([1, 2, 3, 4, 5, 6, 7, 8, 9], 0.9) == 9  # place ceil(10 * .9)
    assert bound([1, 2, 3, 4, 5, 6, 7, 8, 9], 0.8) == 8


def test_too_few_picks_give_no_bound():
    assert bound([1, 2, 3, 4], 0.9) == np.inf
    assert bound([1, 2, 3, 4], 0.8) == 4


@given(st.lists(st.floats(0, 1), min_size=9, max_size=30))
def test_a_higher_level_is_never_a_lower_bound(regrets):
    assert bound(regrets, 0.8) <= bound(regrets, 0.9)


def test_a_group_is_judged_by_a_bound_made_without_it():
    cases = pd.DataFrame({"benchmark": ["a"] * 4 + ["b"] * 4, "regret": [0.1] * 4 + [0.3] * 4})
    assert coverage(cases, "benchmark", 0.8) == 0.5  # b exceeds a's bound, a keeps to b's


def test_one_group_cannot_be_left_out():
    assert np.isnan(coverage(pd.DataFrame({"benchmark": ["a"] * 9, "regret": [0.1] * 9}), "benchmark", 0.8))


def test_exchangeable_cases_keep_to_the_bound_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = [rng.exponential() <= bound(rng.exponential(size=50), 0.9) for _ in range(4000)]
    assert np.mean(held) == pytest.approx(0.9, abs=0.015)
