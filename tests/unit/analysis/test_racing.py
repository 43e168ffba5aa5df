import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t
from studies.racing_study import racing_study

from sppl.analysis.racing import Bound, replay_race, survivors

RNG = np.random.default_rng(0)
HARD = RNG.normal(1, 1, 60)
TWO = Bound(2, 60)


def alive(decisions):
    return [decision.strategy for decision in decisions if decision.survives]


def test_a_strategy_clearly_behind_is_dropped_because_differences_are_paired():
    behind = HARD + 0.05 + RNG.normal(0, 0.01, 60)
    assert alive(survivors({"gpt4": HARD, "claude": behind}, TWO)) == ["gpt4"]


def test_a_strategy_within_the_limit_survives():
    close = HARD + np.tile([0.5, -0.49], 30)
    decisions = survivors({"gpt4": HARD, "claude": close}, TWO)
    assert alive(decisions) == ["gpt4", "claude"]
    assert decisions[1].behind == pytest.approx(0.005)
    assert decisions[1].z == pytest.approx(0.005 / (0.495 * np.sqrt(60 / 59) / np.sqrt(60)))
    assert decisions[1].limit == TWO(60)


def test_nobody_is_dropped_before_the_first_twenty_examples():
    assert alive(survivors({"gpt4": HARD[:19], "claude": HARD[:19] + 1}, TWO)) == ["gpt4", "claude"]
    assert alive(survivors({"gpt4": HARD[:20], "claude": HARD[:20] + 1}, TWO)) == ["gpt4"]


def test_with_one_look_the_limit_is_students_quantile_shared_by_the_rivals():
    assert Bound(2, 20)(20) == pytest.approx(t.isf(0.05, 19))
    assert Bound(9, 20)(20) == pytest.approx(t.isf(0.05 / 8, 19))
    assert Bound(9, 20)(19) == np.inf


def test_the_limit_spends_the_error_on_the_first_look_and_on_what_comes_after():
    """With 2 strategies, 300 examples and 5 %: P(Z > c) + c phi(c) / 2 ln 15 = .05 at c = 2.62."""
    c = norm.isf(t.sf(Bound(2, 300)(20), 19))
    assert c == pytest.approx(2.621, abs=1e-3)
    assert norm.sf(c) + c * norm.pdf(c) / 2 * np.log(15) == pytest.approx(0.05)
    assert Bound(2, 300)(300) == pytest.approx(t.isf(norm.sf(c), 299))


@given(st.integers(2, 12), st.integers(20, 1000), st.floats(0.001, 0.5), st.integers(2, 40))
def test_more_rivals_more_examples_and_a_smaller_error_raise_the_limit(strategies, examples, error, first):
    n = max(first, examples)
    limit = Bound(strategies, n, error, first)(n)
    assert limit <= Bound(strategies + 1, n, error, first)(n)
    assert limit <= Bound(strategies, 2 * n, error, first)(n)
    assert limit <= Bound(strategies, n, error / 2, first)(n)
    assert Bound(strategies, n, error, first)(first) >= limit or first == n


def test_an_error_of_zero_drops_nobody():
    assert alive(survivors({"gpt4": HARD, "claude": HARD + 1}, Bound(2, 60, error=0))) == ["gpt4", "claude"]


@pytest.mark.parametrize("strategies", [2, 9])
def test_the_best_of_equals_is_dropped_no_more_often_than_stated_whenever_one_looks(strategies):
    """Looks after every one of 20 to 120 questions; the true standard deviation of a difference is sqrt(2)."""
    rng, races, n = np.random.default_rng(1), 3000, np.arange(1, 121)
    values = rng.normal(size=(races, 120, strategies))
    gap = values[:, :, :1] - values[:, :, 1:]
    mean = gap.cumsum(1) / n[:, None]
    spread = np.sqrt(np.maximum((gap**2).cumsum(1) / n[:, None] - mean**2, 0) * (n / np.maximum(n - 1, 1))[:, None])
    z = mean[:, 19:] / spread[:, 19:] * np.sqrt(n[19:, None])
    limits = np.array([Bound(strategies, 120)(count) for count in n[19:]])
    dropped = (z > limits[:, None]).any((1, 2)).mean()
    assert 0.02 <= dropped <= 0.05


def test_equal_strategies_both_survive():
    assert alive(survivors({"claude": HARD, "gpt4": HARD}, TWO)) == ["claude", "gpt4"]
    rounded = survivors({"claude": np.full(20, 0.1 + 0.2), "gpt4": np.full(20, 0.3)}, TWO)
    assert alive(rounded) == ["claude", "gpt4"]


LOSSES = st.integers(2, 5).flatmap(
    lambda n: st.lists(st.lists(st.floats(-5, 5), min_size=n, max_size=n), min_size=20, max_size=40)
)


@given(LOSSES, st.randoms(use_true_random=False))
def test_a_decision_is_the_same_in_any_order_of_strategies_and_questions_never_drops_all_and_keeps_ties(rows, draw):
    values = np.array(rows)
    values = np.column_stack([values, values[:, 0]])  # the last strategy is the first one's equal
    columns = {f"s{number}": column for number, column in enumerate(values.T)}
    bound = Bound(len(columns), 60)
    found = {one.strategy: one.survives for one in survivors(columns, bound)}
    shuffled, order = list(columns), list(range(len(values)))
    draw.shuffle(shuffled)
    draw.shuffle(order)
    again = {one.strategy: one.survives for one in survivors({s: columns[s] for s in shuffled}, bound)}
    assert again == found
    assert any(found.values())
    assert found["s0"] == found[f"s{len(columns) - 1}"]
    lowest = min(columns, key=lambda name: (columns[name].mean(), name))
    assert found[lowest]
    turned = {one.strategy: one for one in survivors({s: columns[s][order] for s in columns}, bound)}
    for one in survivors(columns, bound):
        assert turned[one.strategy].mean == pytest.approx(one.mean, abs=1e-9)


@given(st.permutations(["gpt4", "claude", "rewrite"]))
def test_a_race_scores_the_same_in_any_order_of_its_strategies(order):
    losses = {"gpt4": HARD, "claude": HARD + 1, "rewrite": HARD + np.tile([0.3, -0.2], 30)}
    expected = replay_race(losses, range(60), Bound(3, 60))
    found = replay_race({name: losses[name] for name in order}, range(60), Bound(3, 60))
    assert (found.winner, set(found.left), dict(found.scored)) == (
        expected.winner,
        set(expected.left),
        dict(expected.scored),
    )


@pytest.mark.parametrize(
    "bad", [{}, {"a": []}, {"a": [1.0], "b": [1.0, 2.0]}, {"a": [1.0, np.nan]}], ids=["none", "empty", "unequal", "nan"]
)
def test_a_race_without_comparable_numbers_is_refused(bad):
    with pytest.raises(ValueError, match=r"race needs|finite"):
        survivors(bad, TWO)


def test_a_race_stops_when_one_strategy_is_left():
    losses = {"gpt4": HARD, "claude": HARD + 1, "rewrite": HARD + np.tile([0.3, -0.1], 30)}
    run = replay_race(losses, range(60), Bound(3, 60))
    assert (run.winner, run.left) == ("gpt4", ("gpt4",))
    assert run.scored["claude"] == 20
    assert run.scored["rewrite"] == run.scored["gpt4"]


def test_a_race_of_equals_scores_everything():
    run = replay_race({"gpt4": HARD, "claude": HARD}, range(60), TWO)
    assert run.scored == {"gpt4": 60, "claude": 60}
    assert run.left == ("gpt4", "claude")


def test_the_study_compares_racing_with_a_uniform_sample_of_equal_cost():
    frames = [
        pd.DataFrame({"strategy": name, "example_id": [f"{i:02}" for i in range(60)], "value": np.exp(HARD + shift)})
        for name, shift in (("gpt4", 0.0), ("claude", 0.5))
    ]
    scores = pd.concat(frames).assign(benchmark="gsm8k", target_model="tiny")
    truth = pd.DataFrame({"strategy": ["gpt4", "claude"], "accuracy": [0.5, 0.7]})
    truth = truth.assign(benchmark="gsm8k", target_model="tiny")
    for questions in (60, None):
        study = racing_study(scores, truth, orders=3, questions=questions)
        assert study["share"].tolist() == pytest.approx([1 / 3] * 3)
        assert study["agrees"].all()
        assert not study["dropped"].any()
        assert study["uniform_agrees"].all()
        assert study["regret"].tolist() == pytest.approx([0.2] * 3)
    assert racing_study(scores, truth, orders=3, questions=25)["share"].tolist() == pytest.approx([0.8] * 3)
