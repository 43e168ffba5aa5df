"""Which groups take a list."""

import pytest

from sppl.cli.choices import check_composed_lists, check_typed_lists


@pytest.mark.parametrize(
    ("typed", "way"),
    [
        ("trainer=[gpu]", "trainer=gpu"),
        ("target_model=[lab,smollm2]", "python run.py -m seed=1 target_model=lab,smollm2"),
        ("target_model=[ lab , smollm2 ]", "python run.py -m seed=1 target_model=lab,smollm2"),
        ("training=[]", "training=NAME"),
        ("+experiment=[pick,lab]", "python run.py -m seed=1 experiment=pick,lab"),
        ("hydra/launcher=[joblib]", "hydra/launcher=joblib"),
        ("trainer=[gpu],[cpu]", "trainer=gpu"),
        ("paths=[default]", "paths=default"),
        (
            "metric@strategy.best_response.best.metric=[sppl,ifd]",
            "python run.py -m seed=1 metric@strategy.best_response.best.metric=sppl,ifd",
        ),
    ],
)
def test_a_group_that_takes_one_choice_refuses_a_list_with_the_way_to_type_it(typed, way):
    said = check_typed_lists(["seed=1", typed])
    assert "takes one choice, not a list" in said
    assert said.endswith(way)


@pytest.mark.parametrize(
    "typed",
    [
        "strategy=[gpt4,claude]",
        "stage=[score]",
        "metric=[all]",
        "logger=[]",
        "teacher=[server]",
        "trainer=gpu",
        "-m",
        "trainer=cpu,gpu",
        "benchmark.without=[q1]",
        "training.lora.targets=[q_proj]",
        "data_dir=[x]",
        "own_group=[a,b]",
    ],
)
def test_lists_that_are_meant_are_taken(typed):
    assert check_typed_lists([typed]) == ""


def test_a_list_in_a_file_is_refused_too(monkeypatch):
    monkeypatch.setattr("sys.argv", ["run.py"])
    choices = {"strategy": ["gpt4", "claude"], "trainer": "cpu", "experiment": None, "own": ["a", "b"]}
    assert check_composed_lists(choices) == ""
    assert check_composed_lists(choices | {"training": ["full", "lora"]}).endswith("-m training=full,lora")
    assert check_composed_lists(choices | {"metric@strategy.x.metric": ["sppl"]}).endswith("strategy.x.metric=sppl")
