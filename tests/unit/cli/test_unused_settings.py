"""A setting that nothing reads is refused with the nearest one that is read."""

import pytest
from hydra import compose, initialize_config_dir

from sppl.cli.helptext import help_text
from sppl.cli.settings import plain
from sppl.cli.unknown import check_unused
from sppl.packaged import conf


def said(*typed):
    with initialize_config_dir(str(conf()), version_base="1.3"):
        return check_unused(plain(compose("config", list(typed)), resolve=False))


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (["+lr=1e-4"], "did you mean `training.learning_rate`?"),
        (["+n_tests=5"], "did you mean `n_test`"),
        (["+epochs=2"], "did you mean `policy.epochs` or `training.epochs`?"),
        (["+batchsize=2"], "batch_size`"),
        (["+lora.rank=8", "training=lora"], "did you mean `training.lora`"),
        (["+zzzz=1"], "nothing reads a setting `zzzz`; All there are: python run.py --cfg job"),
        (["++max_costs=1"], "did you mean `max_cost`"),
        (["data_dir=mine"], "benchmark=lab reads no folder; for files of your own: benchmark=local data_dir=mine"),
    ],
)
def test_what_nothing_reads_is_refused(typed, answer):
    assert answer in said(*typed)


@pytest.mark.parametrize(
    "typed",
    [
        [],
        ["+rate=1e-4", "training.learning_rate=${rate}"],
        ["benchmark=local", "data_dir=mine"],
        ["benchmark=gsm8k", "benchmark.source=upstream", "data_dir=mine"],
        ["+strategy.gpt4.expected_tokens=1"],
        ["experiment=pick"],
        ["experiment=paper"],
    ],
)
def test_what_something_reads_goes_through(typed):
    assert said(*typed) == ""


def test_help_with_the_name_of_a_group_lists_its_options_with_their_first_lines():
    told = help_text(["--help", "trainer"])
    assert "trainer=cpu   The CPU, one process.\n" in told
    assert "trainer=gpu   One CUDA device.\n" in told
    assert len(told.splitlines()) == len(list((conf() / "trainer").glob("*.yaml")))
