"""Advice from results of the user's other targets."""

import pandas as pd
import pytest

from sppl.stages.other_targets import advice, other_targets_of


def ranked(*strategies: str, target: str = "mine") -> pd.DataFrame:
    return pd.DataFrame({"benchmark": "sql", "target_model": target, "strategy": list(strategies)})


def trained(store, target: str, benchmark: str = "sql", split: str = "", n_train: int = 100, **right: int) -> None:
    for strategy, n in right.items():
        frame = pd.DataFrame({"question_id": list("abcd"), "answer": "x", "correct": [1.0] * n + [0.0] * (4 - n)})
        settings = {"of": [target, strategy, n, n_train, split]}
        leaf = store.leaf("results", benchmark, target, strategy, "seed0", settings=settings)
        notes = {"split": split} if split else {}
        store.write(leaf, frame, {}, 0.0, accuracy=n / 4, setup={"n_train": n_train}, seed=0, **notes)


def test_a_strategys_lead_is_over_the_mean_of_what_the_same_target_was_trained_on(store):
    trained(store, "small", gpt4=1, claude=3)  # .25 and .75: 25 points apart from their mean
    trained(store, "large", gpt4=3, claude=4)  # .75 and 1: 12.5 points
    found = other_targets_of(store, ranked("gpt4", "claude"))
    assert found[["strategy", "lead", "others"]].values.tolist() == [
        ["claude", pytest.approx(0.1875), "large, small"],
        ["gpt4", pytest.approx(-0.1875), "large, small"],
    ]
    assert advice(found) == [
        "sql, mine: of your other targets (large, small), claude trained best, 18.8 points above the mean of the 2 "
        "strategies they share with this ranking"
    ]


def test_the_targets_own_results_are_no_advice(store):
    trained(store, "mine", gpt4=1, claude=3)
    assert other_targets_of(store, ranked("gpt4", "claude")).empty


@pytest.mark.parametrize("other", [{"benchmark": "gsm8k"}, {"split": "validation"}])
def test_another_benchmark_and_pilots_questions_are_no_advice(store, other):
    trained(store, "small", gpt4=1, claude=3, **other)
    assert other_targets_of(store, ranked("gpt4", "claude")).empty


def test_a_strategy_nobody_ranked_here_counts_in_the_mean_only(store):
    trained(store, "small", gpt4=1, claude=2, rewrite=3)
    found = other_targets_of(store, ranked("gpt4", "claude")).set_index("strategy")["lead"]
    assert found.to_dict() == pytest.approx({"claude": 0, "gpt4": -0.25})


def test_settings_of_training_are_compared_alike_with_alike(store):
    trained(store, "small", n_train=100, gpt4=1, claude=2)
    trained(store, "small", n_train=400, gpt4=3)  # alone with its setting: no lead
    assert other_targets_of(store, ranked("gpt4", "claude"))["lead"].tolist() == pytest.approx([0.125, -0.125])


def test_one_strategy_in_common_says_nothing(store):
    trained(store, "small", gpt4=1, claude=2)
    assert other_targets_of(store, ranked("gpt4", "rewrite")).empty
