"""The interval of a share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.analysis.wilson import wilson


def test_nothing_of_21_ends_where_a_table_of_the_interval_says():
    low, high = wilson(0.0, 21)
    assert (low, high) == (0.0, pytest.approx(0.1546, abs=1e-4))


def test_half_of_10_lies_around_one_half():
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_it_holds_the_share_stays_within_0_and_1_and_is_never_empty(pair):
    right, n = pair
    low, high = wilson(right / n, n)
    assert 0 <= low <= right / n <= high <= 1
    assert high - low > 0
    other = wilson(1 - right / n, n)
    assert (1 - other[1], 1 - other[0]) == pytest.approx((low, high))


@pytest.mark.parametrize(("share", "n"), [(1.1, 5), (-0.1, 5), (0.5, 0)])
def test_what_is_no_share_of_anything_is_refused(share, n):
    with pytest.raises(ValueError, match="a share in"):
        wilson(share, n)
