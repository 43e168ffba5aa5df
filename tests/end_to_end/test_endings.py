"""The last that a stage typed alone says: what is there now, and where."""

import re
from pathlib import Path

import pytest

from tests.conftest import QUICK
from tests.end_to_end.test_printed_commands import printed

pytestmark = pytest.mark.filterwarnings("default")
SETTINGS = [
    *QUICK,
    "n_pilot=6",
    "n_validation=6",
    "policy.epochs=1",
    "strategy=[gpt4,claude]",
    "logger=[]",
    "name=endings",
]
BEFORE = {
    "score": "stage=[predict,score]",
    "rank": "stage=[predict,score,rank]",
    "shortlist": "stage=[predict,score]",
    "benchmark": "stage=[finetune]",
    "report": "stage=[predict,score,rank]",
}
"""What has to be there first."""


def ending(run_py, stage, tmp_path, *more):
    if stage in BEFORE:
        assert run_py(*SETTINGS, BEFORE[stage], *more).code == 0
    done = run_py(*SETTINGS, f"stage=[{stage}]", f"exports={tmp_path}/exports", *more)
    assert done.code == 0, done.out
    return done.out


def places(text, kind):
    return [Path(one.rstrip(",;:)")) for one in re.findall(rf"/\S*/{kind}/\S+", text)]


@pytest.mark.parametrize(
    ("stage", "kind", "said"),
    [
        ("generate", "responses", "gpt4: 24 responses are in "),
        ("predict", "predictions", r"12 own answers of lab, \d+ of them right, are in "),
        ("score", "token_stats", "6 tables of gpt4, claude are in "),
        ("rank", "rankings", "the ranking is in "),
        ("finetune", "adapters", "claude, seed 0: the model is in "),
        ("benchmark", "results", r"gpt4, seed 0: \d\.\d{3} of 8 test questions right, in "),
        ("shortlist", "shortlists", "settled by pilots: (gpt4|claude), in "),
        ("export", "exports", "gpt4-n24: 24 of 24 rows, 24 judged right"),
        ("report", "reports", "Files in "),
    ],
)
def test_a_stage_alone_ends_with_what_is_there_and_where(stage, kind, said, run_py, tmp_path):
    first = ending(run_py, stage, tmp_path)
    assert re.search(said, first)
    assert places(first, kind)
    assert all(place.exists() for place in places(first, kind))
    again = ending(run_py, stage, tmp_path)  # and where it was found, the same
    assert places(again, kind) == places(first, kind)


def test_an_adapter_is_told_with_what_loads_it(run_py, tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    out = ending(run_py, "finetune", tmp_path, "training=lora")
    folder = next(one for one in places(out, "adapters") if "gpt4" in str(one))
    loading = r"to load one: peft\.PeftModel\.from_pretrained\(transformers\.(\w+)\.from_pretrained\('(.+)'\), FOLDER\)"
    ((loader, base),) = re.findall(loading, out)
    assert loader == AutoModelForCausalLM.__name__
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), str(folder))
    assert any("lora" in name for name, _ in model.named_parameters())


def test_a_sweep_that_finds_its_jobs_done_tells_where_their_adapters_are(run_py, tmp_path):
    typed = ["-m", *[word for word in SETTINGS if not word.startswith("strategy")], "strategy=gpt4,claude"]
    made = run_py(*typed, "stage=[finetune]").out
    found = run_py(*typed, "stage=[finetune]").out
    assert "2 of 2 jobs are done already" in found
    assert {*places(found, "adapters")} == {*places(made, "adapters")}
    assert len({*places(found, "adapters")}) == 2


def test_the_commands_that_endings_print_run(run_py, tmp_path):
    for stage, printed_stage in (("score", "stage=[rank]"), ("rank", "stage=[rank,report]")):
        (command,) = [one for one in printed(ending(run_py, stage, tmp_path)) if printed_stage in one]
        done = run_py(*command)
        assert done.code == 0, done.out
    (recipe,) = printed(ending(run_py, "shortlist", tmp_path))
    assert "stage=[generate,finetune,benchmark,report]" in recipe
    assert run_py(*recipe, "dry=true").code == 0


def test_where_a_table_follows_only_what_was_trained_is_told(run_py, tmp_path):
    done = run_py(*SETTINGS, "stage=[generate,predict,score,finetune,benchmark,rank,report]")
    assert "claude, seed 0: the model is in " in done.out
    assert not re.search("responses are in|own answers of|tables of|questions right, in", done.out)
