import shlex

import pytest

from sppl.report.next_step import next_command

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
