"""A setting that nothing reads is refused with the nearest one that is read."""

import re

import pytest
from hydra import compose, initialize_config_dir

from sppl.cli.helptext import help_text
from sppl.cli.known import every_setting
from sppl.cli.settings import as_plain
from sppl.cli.unknown import check_unused
from sppl.packaged import conf
from tests.conftest import ROOT


def said(*typed):
    with initialize_config_dir(str(conf()), version_base="1.3"):
        return check_unused(as_plain(compose("config", list(typed)), resolve=False))


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
    options, _, settings = told.partition("\n\n")
    assert len(options.splitlines()) == len(list((conf() / "trainer").glob("*.yaml")))
    assert "precision: 32-true          # what training.precision is unless it says otherwise" in settings


@pytest.mark.parametrize(
    ("word", "place"),
    [
        ("lr", "training.learning_rate  with training=full, training=lora, training=paper"),
        ("lora", "training.lora  with training=full"),
        ("temperature", "benchmark.sampling.temperature"),
        ("rank", "training.lora.rank  with training=lora, training=paper"),
        ("zzzz", "zzzz: there is no group and no setting like it"),
    ],
)
def test_help_with_a_word_lists_the_settings_that_it_names_or_is_short_for(word, place):
    assert place in help_text(["--help", word])


NAMED = re.compile(
    r"(?<![\w./@{$-])((?:stage|target_model|strategy|teacher|benchmark|metric|prompt|scorer|trainer|training|generator"
    r"|logger|policy|hydra)(?:\.[A-Za-z_]\w*)+)"
)
"""How a page names a setting."""
OF_THE_READER = ("metric.worst_token", "strategy.brief", "teacher.my_teacher", "hydra.searchpath", "hydra.job.env_set")
"""What a page lets its reader make, and what is Hydra's."""
WHOLE = ("benchmark.sources.upstream.questions.strategies.simple_response",)
"""A key of the reader's own in a mapping, which a page adds with +."""
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])


def test_every_setting_that_a_page_names_can_be_typed():
    named = {(page.name, place) for page in PAGES for place in NAMED.findall(page.read_text())}
    there = every_setting()
    seen = {}
    for page, place in sorted(named):
        if place.startswith(OF_THE_READER) or place in WHOLE or place.endswith((".yaml", ".md")):
            continue
        known = place.replace(".NAME.", ".gpt4." if place.startswith("strategy") else ".gpt_4o.")
        assert known in there, f"{page} names {place}, which no file has"
        seen[known] = there[known]
    assert len(seen) >= 60
    for place, choices in seen.items():
        if place.startswith("hydra.launcher"):  # composed for a sweep, by the tests of launchers
            continue
        words = [choices[0]] if choices else []
        words = ["benchmark=local"] if place.startswith(("strategy.only", "strategy.derived")) else words
        with initialize_config_dir(str(conf()), version_base="1.3"):
            assert compose("config", [*words, f"{place}=null"]) is not None, place
