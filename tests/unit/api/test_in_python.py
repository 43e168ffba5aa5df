"""Whoever calls `sppl.rank` is told in the words of a call: arguments, and no settings of a command nobody typed."""

import ast
import json
import re
import shutil

import pandas as pd
import pytest

import sppl
from sppl.api.in_python import in_python
from sppl.commands import as_list, command
from sppl.metrics.train_then_test import TrainThenTest
from sppl.report.next_step import checking_command
from sppl.schemas import UserError
from tests.conftest import ROOT

GROUPS = "target_model|benchmark|scorer|trainer|metric|prompt|generator|training|stage|logger|data_dir|strategy"
OF_A_COMMAND = re.compile(rf"\b(?:{GROUPS})(?:\.\w+)*=|\b(?:{GROUPS})\.[a-z_]+\b|`(?:metric|strategy)`")
REACHED = ("models", "scoring", "generation", "metrics", "tables", "hardware")
"""Packages whose messages a call can raise; and these modules of others."""
FURTHER = (
    "data/rendering.py", "data/assistant_turns.py", "data/tokens.py", "data/reasoning_steps.py", "stages/score.py",
    "stages/rank.py", "stages/predict.py", "study/wanted_tables.py", "study/verdicts.py", "benchmarks/gold_check.py",
)  # fmt: skip
OF_SERVERS = {
    "server_protocols.py",
    "server_settings.py",
    "server_requests.py",
    "on_server.py",
    "trust.py",
    "server.py",
    "serving.py",
}
"""A call has no server."""
BY_COMMANDS_ONLY = (
    "benchmark.sampling says", "scorer=server", "shown as a reference", "a race needs", "trainer.lightning",
    "stage=[", "scorer.server.top", "training.precision", "strategy=(", "metric.car.shift",
)  # fmt: skip
"""How messages begin that no call can raise, because it has no such settings, or that are no messages."""


def messages():
    """The texts of the reached modules, docstrings apart, with X for what is filled in."""
    files = [file for name in REACHED for file in sorted((ROOT / "sppl" / name).rglob("*.py"))]
    for file in [*files, *(ROOT / "sppl" / name for name in FURTHER)]:
        tree = ast.parse(file.read_text())
        inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner | docs:
                text = node.value
            else:
                continue
            if OF_A_COMMAND.search(text) and file.name not in OF_SERVERS:
                yield file.name, text


def test_every_setting_that_a_reachable_message_names_has_an_argument_in_its_place():
    found = [(file, text) for file, text in messages() if not any(word in text for word in BY_COMMANDS_ONLY)]
    assert len(found) > 40
    left = [f"{file}: {in_python(text)}" for file, text in found if OF_A_COMMAND.search(in_python(text))]
    assert not left, "\n".join(left)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("the frame: target_model.template=paper", 'frame: sppl.TargetModel(NAME, PATH, template="paper")'),
        ("such turns: target_model.template_options={enable_thinking: false}.", '={"enable_thinking": False}).'),
        ("give another: target_model.path=FOLDER", "give another: target=FOLDER"),
        ("Lower benchmark.max_new_tokens, or benchmark.overlong=skip", 'Lower max_new_tokens, or overlong="skip"'),
        ("scorer.overlong=error", 'overlong="refuse"'),
        ("leave it out of `metric`", "leave it out of `metrics`"),
        ("Take trainer=cpu; on a", 'Take accelerator="cpu"; on a'),
        ("or leave the questions out: 'benchmark.without=[a,b]'", "or leave the questions out of `responses`: a,b"),
        ("made by: python run.py target_model.path=X", "python run.py target_model.path=X"),
    ],
)  # fmt: skip
def test_settings_become_arguments_and_a_whole_command_stays(said, wanted):
    assert in_python(said).endswith(wanted)


QUESTIONS = [f"Ben has {number} cups. He gets 3 more. How many cups does Ben have?" for number in range(2, 6)]


def rows(text="8", gold="8"):
    return [{"question": one, "response": text, "answer": gold} for one in QUESTIONS]


TWO = {"short": rows(), "long": rows("It is 8.")}
LONG = {name: [{**row, "question": "cups " * 300 + row["question"]} for row in each] for name, each in TWO.items()}


@pytest.fixture
def short_context(tmp_path):
    """The lab's target, which reads 256 tokens only."""
    shutil.copytree(ROOT / "sppl/lab/checkpoint", tmp_path / "short")
    config = tmp_path / "short" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "max_position_embeddings": 256}))
    return sppl.TargetModel("short", str(tmp_path / "short"))


@pytest.mark.parametrize(
    ("given", "settings", "wanted"),
    [
        (TWO, {"n_predict": 0}, "n_predict=0: a whole number above 0 is wanted"),
        (TWO, {"n_score": -1}, "n_score=-1: a whole number above 0 is wanted"),
        (TWO, {"n_score": 9}, "every strategy answers 4 questions; n_score=4 or less, or n_score=None"),
        (TWO, {"max_new_tokens": 0}, "max_new_tokens=0"),
        (TWO, {"answer": "numbers"}, "answer='numbers': there are text, number, choice"),
        (TWO, {"overlong": "drop"}, "there are refuse, skip, truncate_left"),
        (TWO, {"accelerator": "tpu"}, 'accelerator="tpu": there are cpu, gpu'),
        (TWO, {"target": "no/folder/here"}, "target=FOLDER"),
        (TWO, {"metrics": ["aslec_drop"]}, "Leave aslec_drop_h1 out of `metrics`"),
        (TWO, {"metrics": ["train_then_test"]}, "python run.py benchmark=local data_dir=FOLDER target_model.path=PATH"),
        (TWO, {"metrics": [TrainThenTest(training=None)]}, "only the command makes"),
        ({}, {}, "`responses` is a mapping of strategies to their rows"),
        ([rows()], {}, "`responses` is a mapping"),
        ({"a": "text"}, {}, "a: rows or a DataFrame are wanted, not a str"),
        ({"a": rows()[0]}, {}, "a: rows or a DataFrame are wanted, not a dict"),
        ({"a": 5}, {}, "not a int"),
        ({"a": [], "b": []}, {}, "no question is answered by every strategy"),
    ],
)  # fmt: skip
def test_a_wrong_call_says_which_argument_to_change(given, settings, wanted, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    settings = {"target": "lab", "answer": "number", **settings}
    with pytest.raises(UserError) as refused:
        sppl.rank(settings.pop("target"), given, **settings)
    assert wanted in str(refused.value)
    before_a_command = str(refused.value).partition("python run.py")[0]
    assert not OF_A_COMMAND.search(before_a_command)


def test_what_is_too_long_is_refused_and_left_out_for_all_strategies_where_a_call_says_so(short_context):
    mixed = {name: [LONG[name][0], *each[1:]] for name, each in TWO.items()}
    with pytest.raises(UserError, match=r'overlong="skip" leaves .* overlong="truncate_left"'):
        sppl.rank(short_context, mixed, ["perplexity"])
    with pytest.raises(UserError, match='Lower max_new_tokens, or leave these out for all models: overlong="skip"'):
        sppl.rank(short_context, mixed, ["sppl"], max_new_tokens=20)
    ranking = sppl.rank(short_context, mixed, ["perplexity"], overlong="skip")
    assert ranking["n_examples"].tolist() == [3, 3]
    assert ranking["note"].str.contains("1 questions left out: too long").all()


def test_a_warning_of_a_call_names_no_setting_of_the_command(caplog):
    sppl.rank("lab", {"a": rows(gold="77"), "b": rows("It is 8.", gold="77")}, answer="number", n_predict=2)
    said = " ".join(record.getMessage() for record in caplog.records)
    assert "not one of the 8 responses of a, b is judged right" in said
    assert "answer='number', 'choice' or 'text'" in said
    assert not OF_A_COMMAND.search(said)


def test_where_nothing_was_typed_a_message_says_which_stages_to_call():
    made = command((), "stage=[predict,score]", "n_train=5")
    assert made == (
        "call sppl.stages.predict.predict, then sppl.stages.score.score with the same arguments, but n_train=5"
    )
    assert as_list(()) == "call it once with all strategies"
    assert checking_command((), "benchmark=local", "data_dir=mine").endswith(" check benchmark=local data_dir=mine")


def test_a_frame_is_rows_too():
    frames = {name: pd.DataFrame(each) for name, each in TWO.items()}
    assert set(sppl.rank("lab", frames, ["perplexity"])["strategy"]) == set(TWO)
