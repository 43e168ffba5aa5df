import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.analysis.racing import race, survivors
from sppl.analysis.racing_study import racing_study

RNG = np.random.default_rng(0)
HARD = RNG.normal(1, 1, 60)


def alive(decisions):
    return [decision.strategy for decision in decisions if decision.survives]


def test_a_strategy_clearly_behind_is_dropped_because_differences_are_paired():
    behind = HARD + 0.05 + RNG.normal(0, 0.01, 60)
    assert alive(survivors({"gpt4": HARD, "claude": behind})) == ["gpt4"]


def test_a_strategy_within_two_standard_errors_survives():
    close = HARD + np.tile([0.5, -0.49], 30)
    decisions = survivors({"gpt4": HARD, "claude": close})
    assert alive(decisions) == ["gpt4", "claude"]
    assert decisions[1].behind == pytest.approx(0.005)
    assert decisions[1].z == pytest.approx(0.005 / (0.495 * np.sqrt(60 / 59) / np.sqrt(60)))


def test_nobody_is_dropped_before_the_first_twenty_examples():
    assert alive(survivors({"gpt4": HARD[:19], "claude": HARD[:19] + 1})) == ["gpt4", "claude"]
    assert alive(survivors({"gpt4": HARD[:20], "claude": HARD[:20] + 1})) == ["gpt4"]


def test_equal_strategies_both_survive():
    assert alive(survivors({"claude": HARD, "gpt4": HARD})) == ["claude", "gpt4"]


@given(st.lists(st.floats(-5, 5), min_size=20, max_size=40), st.integers(1, 4))
def test_the_strategy_with_the_lowest_mean_always_survives(values, n):
    shifts = {f"s{i}": np.array(values) * (1 + i) for i in range(n)}
    decisions = survivors(shifts)
    assert min(decisions, key=lambda one: (one.mean, one.strategy)).survives


@pytest.mark.parametrize(
    "bad", [{}, {"a": []}, {"a": [1.0], "b": [1.0, 2.0]}, {"a": [1.0, np.nan]}], ids=["none", "empty", "unequal", "nan"]
)
def test_a_race_without_comparable_numbers_is_refused(bad):
    with pytest.raises(ValueError, match=r"race needs|finite"):
        survivors(bad)


def test_a_race_stops_when_one_strategy_is_left():
    run = race({"gpt4": HARD, "claude": HARD + 1, "rewrite": HARD + np.tile([0.3, -0.2], 30)}, range(60))
    assert run.winner == "gpt4"
    assert run.scored["claude"] == 20
    assert run.scored["rewrite"] == run.scored["gpt4"]
    assert run.scored["gpt4"] > 20 or run.scored["rewrite"] == 20


def test_a_race_of_equals_scores_everything():
    assert race({"gpt4": HARD, "claude": HARD}, range(60)).scored == {"gpt4": 60, "claude": 60}


def test_the_study_compares_racing_with_a_uniform_sample_of_equal_cost():
    frames = [
        pd.DataFrame({"strategy": name, "example_id": [f"{i:02}" for i in range(60)], "value": np.exp(HARD + shift)})
        for name, shift in (("gpt4", 0.0), ("claude", 0.5))
    ]
    scores = pd.concat(frames).assign(benchmark="gsm8k", target_model="tiny")
    truth = pd.DataFrame({"strategy": ["gpt4", "claude"], "accuracy": [0.5, 0.7]})
    truth = truth.assign(benchmark="gsm8k", target_model="tiny")
    study = racing_study(scores, truth, orders=3)
    assert study["share"].tolist() == pytest.approx([1 / 3] * 3)
    assert study["agrees"].all()
    assert study["uniform_agrees"].all()
    assert study["regret"].tolist() == pytest.approx([0.2] * 3)
