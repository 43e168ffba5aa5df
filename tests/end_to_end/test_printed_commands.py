"""Every command that a text prints is run: it makes what was missing, with every setting that was typed."""

import re
import shlex
import shutil

import pytest

from sppl.cli.helptext import help_text
from tests.conftest import ROOT
from tests.pages import GUIDES, arguments, commands

pytestmark = pytest.mark.filterwarnings("default")
SMALL = ["n_predict=7", "n_score=5", "n_train=6", "n_pilot=6", "n_test=4", "training.epochs=1", "logger=[]"]
TWO = ["strategy=[gpt4,rewrite]", "metric=[sppl,length]"]
RACE = ["stage=[predict,score]", "scorer.budget=race", "scorer.first=2", "scorer.then=2"]
PILOTS = [*TWO[:1], "metric=[train_then_test]", "stage=[rank]"]
TAUGHT = ["benchmark.respond=teacher", "strategy=[self_generated]"]

RUN = {
    "rank without scores": [*TWO, "stage=[rank]", "prompt.rotation=paper"],
    "score without own answers": ["strategy=[gpt4]", "metric=[sppl]", "stage=[score]", "n_predict=9"],
    "benchmark of what is not trained": ["strategy=[gpt4]", "stage=[benchmark]", "seed=3", "training.batch_size=4"],
    "train_then_test without its pilots": PILOTS,
    "a race in a sweep": ["-m", "strategy=gpt4,rewrite", *RACE],
    "two values of one setting": ["stage=[predict]", "seed=0,1"],
    "training without the teacher's responses": [*TAUGHT, "stage=[finetune]"],
}
"""What is typed, and refused with a command that is run, after which what was typed runs too."""
PLANNED = {
    "a list for one choice": ["stage=[predict]", "target_model=[lab,own]"],
    "a report of nothing": [*TWO, "stage=[report]"],
    "prompts cut alike": ["-m", "strategy=gpt4,rewrite", "stage=[predict,score]", "scorer.overlong=truncate_left"],
    "a list of strategies typed bare": ["strategy=gpt4,rewrite", "stage=[generate]"],
}
"""The same, but the command only plans."""
NOT_TYPED = {"target_model=own", "trainer.accelerator=auto", "training=lora"}
"""What is chosen for a model by its path: chosen again, and never repeated as if it had been typed."""
KEPT = {"n_predict", "n_score", "target_model.path", "name"}
"""Settings that every one of these commands has to keep."""
ELSEWHERE = {
    "devices": ["trainer.devices=2", "stage=[predict]"],
    "machines": ["trainer=ddp", "+trainer.lightning.num_nodes=2", "training=lora"],
    "no study in the store": ["experiment=beds", "beds=[mine]"],
}
"""The same, but what the command asks for is a GPU, a cluster or another study, so nothing typed has to come back."""


def printed(text: str) -> list[list[str]]:
    """The words behind `python run.py` of every command in a text."""
    found = []
    for rest in text.split("python run.py ")[1:]:
        words = []
        for part in re.findall(r"(?:'[^']*'|\"[^\"]*\"|[^\s'\"])+", rest.split("\n")[0]):
            word = "".join(shlex.split(part.rstrip(";.")))
            if not re.match(r"-m$|[+~]*[\w./@]+=", word):
                break
            words.append(word)
            if part.endswith(";"):
                break
        found += [words] if words else []
    return found


def said(done) -> str:
    return done.out


def test_commands_are_found_in_a_text():
    text = "make them: python run.py 'stage=[a]' data_dir='x y' seed=1 (what exists)\nor: python run.py -m seed=0,1; or"
    assert printed(text) == [["stage=[a]", "data_dir=x y", "seed=1"], ["-m", "seed=0,1"]]


@pytest.fixture
def unusual(tmp_path):
    """A model by its path, in a folder with a blank."""
    model = tmp_path / "my models" / "tiny-one"
    shutil.copytree(ROOT / "sppl/lab/checkpoint", model)
    return [*SMALL, f"target_model.path={model}", "name=unusual"]


@pytest.mark.parametrize("typed", RUN.values(), ids=RUN)
def test_a_refusal_prints_the_command_that_makes_what_is_missing_and_then_the_same_command_runs(
    typed, unusual, run_py, tmp_path
):
    given = [*unusual, *typed]
    done = run_py(*given, store=tmp_path / "a store")
    assert done.code != 0
    swept = "-m" in typed or "seed=0,1" in typed
    for _ in range(1 if swept else 2):  # train_then_test lacks scores first, and then its pilots
        if done.code == 0:
            break
        assert printed(said(done)), said(done)
        command = printed(said(done))[0]
        kept = {
            word for word in given if word.partition("=")[0] in ("n_predict", "n_score", "target_model.path", "name")
        }
        later = {word.partition("=")[0] for word in typed}
        assert {word for word in kept if word.partition("=")[0] not in later} <= set(command), command
        assert not NOT_TYPED & set(command), command
        made = run_py(*command, store=tmp_path / "a store")
        assert made.code == 0, said(made)
        done = made if swept else run_py(*given, store=tmp_path / "a store")
    assert done.code == 0, said(done)


@pytest.mark.parametrize("typed", PLANNED.values(), ids=PLANNED)
def test_a_refusal_prints_a_command_that_plans(typed, unusual, run_py, tmp_path):
    words = unusual if "target_model=[lab,own]" not in typed else SMALL
    refused = run_py(*words, *typed, store=tmp_path / "a store")
    assert refused.code != 0
    for command in printed(said(refused)):
        planned = run_py(*command, "dry=true", store=tmp_path / "a store")
        assert planned.code == 0, said(planned)
        assert "n_predict=7" in command


@pytest.mark.parametrize("typed", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_refusal_prints_a_command_for_other_machines_that_plans_on_this_one(typed, run_py, tmp_path):
    refused = run_py(*typed, store=tmp_path / "a store")
    assert refused.code != 0
    (command,) = printed(said(refused))
    assert f"store={tmp_path}/a store" in command
    planned = run_py(*command, "dry=true", store=tmp_path / "a store")
    assert planned.code == 0, said(planned)
    assert "to make" in said(planned)


@pytest.fixture
def own(tmp_path):
    """Data in a folder with a blank, folders of configuration files, sizes of one's own."""
    data = tmp_path / "my data"
    shutil.copytree(ROOT / "experiments/own_task/data", data)
    (tmp_path / "conf of mine" / "prompt").mkdir(parents=True)
    mine = tmp_path / "conf of mine" / "prompt" / "mine.yaml"
    mine.write_text("defaults: [default, _self_]\nrotation: paper\n")
    return [
        "benchmark=local", f"data_dir={data}", "benchmark.answer=number", f"hydra.searchpath=[file://{mine.parents[1]}]",
        "prompt=mine", "n_predict=9", "n_score=6", "metric=[sppl,perplexity]", "logger=[]", "name=my_task",
        f"target_model.path={ROOT}/sppl/lab/checkpoint",
    ]  # fmt: skip


def test_the_commands_below_a_pick_plan_and_the_export_runs(own, run_py, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    typed = [*own, f"exports={tmp_path / 'out here'}", "stage=[predict,score,rank,report]"]
    done = run_py(*typed, store=tmp_path / "a store")
    assert done.code == 0, said(done)
    below = printed(done.out)
    assert len(below) == 2, done.out  # what would settle it, on questions that are held out; all rows of the first
    for command in below:
        assert {own[1], own[3], "prompt=mine"} <= set(command), command
        chosen = {"stage=[generate,export]", "strategy.only=[steps]", "n_train=all"}
        chosen |= {"stage=[generate,predict,score,shortlist,rank,report]", "strategy.only=[steps,terse,told]"}
        assert set(command) - chosen <= {*typed, f"store={tmp_path}/a store", f"reports={done.reports}"}, command
        planned = run_py(*command, "dry=true", store=tmp_path / "a store")
        assert planned.code == 0, said(planned)
    exported = run_py(*below[-1], store=tmp_path / "a store")
    assert exported.code == 0, said(exported)
    assert list((tmp_path / "out here").rglob("*.jsonl"))


HELPED = [f"python run.py{line}" for line in re.findall(r"^  python run\.py(.*?)(?:  .*)?$", help_text([]), re.M)]
"""The commands of `--help`."""
SAID = [command for command in HELPED if not re.search(r"--|\.\.\.|explain=|compare=", command)]
"""Those that begin with work; the others say something about a command or its results, and their own tests run them."""


@pytest.mark.parametrize("command", SAID)
def test_a_command_of_the_help_plans(command, run_py, tmp_path):
    there = {"my_task": str(ROOT / "experiments/own_task/data"), "FOLDER": str(ROOT / "sppl/lab/checkpoint")}
    for name, folder in there.items():
        command = command.replace(f"={name}", f"={folder}")
    words = arguments(command)
    planned = run_py(*words, *([] if "check" in words else ["dry=true"]), store=tmp_path / "a store")
    assert planned.code == 0, said(planned)


def test_how_far_the_printed_commands_are_tried(shown):
    pages = [*GUIDES, ROOT / "README.md"]
    tried = sum(len(re.findall(r"<!-- \w+ -->\n```bash\npython run", page.read_text())) for page in pages)
    every = sum(len(commands(page)) for page in pages)
    assert len(SAID) >= 6
    assert 0 < tried <= every
    refusals = len(RUN) + len(PLANNED) + len(ELSEWHERE)
    shown(
        f"commands printed: {every} by pages ({tried} planned or run, {every - tried} that need a hub, key or GPU "
        f"composed), {len(SAID)} by --help and {refusals} by refusals (planned or run), 1 below a pick (run)"
    )
