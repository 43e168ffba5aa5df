import shlex

import pytest

from sppl.report.next_step import full_command, next_command, settling_command

PAIR = {"benchmark": "b", "target_model": "t"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("experiment=pick benchmark=gsm8k data_dir=../x", "experiment=pick benchmark=gsm8k data_dir=../x"),
        ("'strategy=[gpt4,claude]' strategy.gpt4.teacher=server strategy.claude.tries=1", "strategy.claude.tries=1"),
        ("+strategy.gpt4.x=1 +strategy.claude.x=1 ~strategy.rewrite.tries", "+strategy.claude.x=1"),
        ("metric@strategy.best_response.best.metric=sppl 'metric=[sppl]' metric.sppl.n_examples=3", ""),
        ("stage=[score] stage.predict.batch_size=2 stage.export.shape=alpaca n_train=20", "stage.export.shape=alpaca"),
        ("confirm=true dry=false max_cost=3 'logger=[csv]' hydra.run.dir=x hydra/launcher=joblib", "max_cost=3"),
        ("-m strategy=gpt4,claude benchmark=a,b target_model=t,u seed=0,1", "benchmark=b target_model=t"),
        ("-m n_score=20,50 'benchmark.also=[x,y]'", "'benchmark.also=[x,y]'"),
        ("name='two words' 'teacher=[server]'", "'name=two words' 'teacher=[server]'"),
    ],
)
def test_what_shapes_the_responses_is_kept_and_the_rest_is_not(typed, kept):
    made = next_command(["python run.py", *shlex.split(typed)], "claude", **PAIR)
    words = ["python", "run.py", "stage=[generate,export]", *shlex.split(kept), "strategy=[claude]", "n_train=all"]
    assert shlex.split(made) == words


def test_of_strategies_that_are_files_one_is_chosen_by_name():
    made = next_command(["python run.py", "data_dir=d", "strategy.only=[x,y]"], "x", **PAIR, from_files=True)
    assert made == "python run.py 'stage=[generate,export]' data_dir=d 'strategy.only=[x]' n_train=all"


def test_a_pick_is_settled_by_the_same_command_with_a_shortlist():
    typed = ["python run.py", "benchmark=gsm8k", "metric.sppl.n_examples=3", "n_train=20", "seed=1", "policy.k=3"]
    assert settling_command(typed, ["gpt4", "claude"], **PAIR) == (
        "python run.py 'stage=[generate,predict,score,shortlist,rank,report]' benchmark=gsm8k metric.sppl.n_examples=3 "
        "n_train=20 policy.k=3 'strategy=[gpt4,claude]'"
    )


def test_of_a_sweep_the_pair_that_is_to_be_settled_is_kept():
    typed = ["sppl", "-m", "strategy=x,y", "target_model=t,u", "data_dir=d"]
    made = settling_command(typed, ["x", "y"], **PAIR, from_files=True)
    assert (
        made
        == "sppl 'stage=[generate,predict,score,shortlist,rank,report]' target_model=t data_dir=d 'strategy.only=[x,y]'"
    )


def test_the_full_recipe_trains_as_was_typed_and_scores_nothing():
    typed = [
        "python run.py",
        "experiment=shortlist",
        "policy.k=3",
        "n_pilot=50",
        "n_train=800",
        "training=lora",
        "seed=1",
    ]
    assert full_command([*typed, "metric=[sppl]", "dry=true"], "gpt4", **PAIR) == (
        "python run.py 'stage=[generate,finetune,benchmark,report]' n_train=800 training=lora seed=1 'strategy=[gpt4]'"
    )
