import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.analysis.settling import settle, settle_by_one_seed, settle_by_pilots

PAIR = {"benchmark": "task", "target_model": "m"}


def ranking(*order: str) -> pd.DataFrame:
    return pd.DataFrame({"strategy": order, "rank": range(1, len(order) + 1)}).assign(**PAIR)


def test_the_pilot_that_reached_most_settles_it():
    assert settle(["a", "b", "c"], {"a": 0.5, "b": 0.6, "c": 0.9}, 2) == "b"


def test_a_tie_goes_to_the_better_score():
    assert settle(["b", "a"], {"a": 0.5, "b": 0.5}, 2) == "b"


@given(st.permutations(["a", "b", "c"]), st.integers(3, 9))
def test_more_than_there_are_means_all(order, k):
    reached = {"a": 0.1, "b": 0.2, "c": 0.3}
    assert settle(order, reached, k) == settle(order, reached, 3) == "c"


def test_pilots_of_the_shortlist_only_decide():
    truth = pd.DataFrame({"strategy": ["a", "b", "c"], "accuracy": [0.5, 0.7, 0.8]}).assign(**PAIR)
    pilots = pd.DataFrame({"strategy": ["a", "b", "c"], "value": [0.1, 0.2, 0.9]}).assign(**PAIR)
    (regret,) = settle_by_pilots(ranking("a", "b", "c"), pilots, truth, 2)["regret"]
    assert regret == pytest.approx(0.1)


def test_a_case_without_every_pilot_is_left_out():
    truth = pd.DataFrame({"strategy": ["a", "b"], "accuracy": [0.5, 0.7]}).assign(**PAIR)
    pilots = pd.DataFrame({"strategy": ["a"], "value": [0.1]}).assign(**PAIR)
    assert settle_by_pilots(ranking("a", "b"), pilots, truth, 1).empty


def test_the_three_best_trained_once_are_judged_against_the_best_of_all():
    rows = [("a", 0, 0.5), ("b", 0, 0.6), ("c", 0, 0.9), ("a", 1, 0.5), ("b", 1, 0.6), ("c", 1, 0.9)]
    runs = pd.DataFrame(rows, columns=["strategy", "seed", "accuracy"]).assign(setup="", **PAIR)
    (regret,) = settle_by_one_seed(runs, ranking("a", "b", "c"), 2)["regret"]
    assert regret == pytest.approx(0.3)


def test_a_seed_that_a_strategy_lacks_does_not_decide():
    rows = [("a", 0, 0.5), ("b", 0, 0.6), ("a", 1, 0.7), ("b", 1, 0.6), ("a", 2, 0.9)]
    runs = pd.DataFrame(rows, columns=["strategy", "seed", "accuracy"]).assign(setup="", **PAIR)
    # seed 0 picks b: the others say a .8, b .6; seed 1 picks a: the others say a .7, b .6; seed 2 has no b
    (regret,) = settle_by_one_seed(runs)["regret"]
    assert regret == pytest.approx((0.2 + 0) / 2)
