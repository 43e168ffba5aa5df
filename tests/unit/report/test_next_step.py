import shlex

import pytest

from sppl.report.next_step import next_command, settling_command

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


def test_two_strategies_are_settled_by_short_trainings_with_the_metric_as_it_was_set():
    typed = ["python run.py", "benchmark=gsm8k", "metric.sppl.n_examples=3", "metric.ifd.x=1", "n_train=20", "seed=1"]
    assert settling_command(typed, ["gpt4", "claude"], "sppl", **PAIR) == (
        "python run.py 'stage=[generate,predict,score,rank,pilot_finetune,pilot_benchmark,report]' benchmark=gsm8k "
        "'strategy=[gpt4,claude]' 'metric=[sppl,train_then_test]' metric.sppl.n_examples=3 n_train=100 n_pilot=100"
    )


def test_a_number_of_pilot_responses_that_was_typed_is_kept():
    made = settling_command(["sppl", "data_dir=d", "n_pilot=40"], ["x", "y"], "sppl", **PAIR, from_files=True)
    assert made.endswith("data_dir=d 'strategy.only=[x,y]' 'metric=[sppl,train_then_test]' n_train=40 n_pilot=40")
