"""Rankings and results in the user's own store as a test bed."""

import pandas as pd
import pytest

from sppl.analysis.bed_table import cases
from sppl.schemas import UserError
from sppl.study.own_bed import own_bed


def ranked(store, target: str, race: str = "", **values: float) -> None:
    frame = pd.DataFrame({"strategy": list(values), "value": list(values.values())})
    frame = frame.assign(benchmark="sql", target_model=target, metric="sppl_n2", direction="lower", race=race)
    frame["rank"] = frame["value"].rank()
    artifact = store.artifact_id(
        "rankings", "sql", target, f"{len(values)}_strategies", settings={"of": values, "race": race}
    )
    store.write(artifact, frame, {}, 0.0)


def trained(store, target: str, strategy: str, right: int, of: int = 4, **setup: int) -> None:
    questions = {"question_id": [f"q{at}" for at in range(of)], "answer": "x"}
    frame = pd.DataFrame(questions | {"correct": [1.0] * right + [0.0] * (of - right)})
    settings = {"setup": setup, "of": of}
    artifact = store.artifact_id("results", "sql", target, strategy, "seed0", settings=settings)
    store.write(artifact, frame, {}, 0.0, accuracy=right / of, setup=setup, seed=0)


@pytest.fixture
def studied(store):
    for target, right in (("small", (2, 3)), ("large", (1, 4))):
        ranked(store, target, gpt4=1.0, claude=2.0)
        for strategy, n in zip(("gpt4", "claude"), right, strict=True):
            trained(store, target, strategy, n, n_train=100)
    return store


def test_what_was_ranked_and_trained_is_a_bed(studied):
    regret = cases(own_bed(studied)).set_index(["selector", "target_model"])["regret"]
    assert regret["sppl_n2", "small"] == 0.25
    assert regret["sppl_n2", "large"] == 0.75


def test_the_best_of_your_other_targets_is_a_selector(studied):
    found = cases(own_bed(studied)).set_index(["selector", "target_model"])
    assert found.loc[("best of other targets", "small"), "regret"] == 0


def test_settings_of_training_make_cases_of_their_own(studied):
    for target in ("small", "large"):
        for strategy in ("gpt4", "claude"):
            trained(studied, target, strategy, 2, n_train=400)
    assert set(own_bed(studied).outcomes["benchmark"]) == {"sql, n_train=100", "sql, n_train=400"}


def test_the_ranking_with_most_trained_strategies_counts(studied):
    ranked(studied, "small", gpt4=2.0)
    assert own_bed(studied).scores.query("target_model == 'small'")["value"].tolist() == [1.0, 2.0]


def test_a_ranking_that_a_race_decided_is_left_out(studied):
    ranked(studied, "small", race="dropped", gpt4=9.0, claude=8.0, rewrite=7.0)
    assert own_bed(studied).scores.query("target_model == 'small'")["value"].tolist() == [1.0, 2.0]


def test_a_model_benchmarked_twice_counts_with_the_most_questions(studied):
    trained(studied, "small", "gpt4", 8, of=8, n_train=100)
    (accuracy,) = own_bed(studied).outcomes.query("target_model == 'small' and strategy == 'gpt4'")["accuracy"]
    assert accuracy == 1.0


def test_a_store_without_a_finished_study_says_how_to_finish_one(store):
    with pytest.raises(UserError, match=r"no strategy that was both ranked and benchmarked .* experiment=lab"):
        own_bed(store)
