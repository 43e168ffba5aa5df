"""Nothing is named after files that were not read: a model that is replaced while a command runs is refused."""

import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import sppl
from sppl.models.target import TargetModel, forget_changed_targets, frozen_target
from sppl.schemas import UserError
from tests.conftest import ROOT


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr("sppl.models.local_files.NAMED", {})
    shutil.copytree(ROOT / "sppl" / "lab" / "checkpoint", tmp_path / "model")
    return tmp_path / "model"


def change(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    name = sorted(weights)[0]
    weights[name] = weights[name] + 0.5 * torch.randn_like(weights[name])
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_model_whose_files_change_after_something_was_named_after_them_is_refused(folder):
    target = TargetModel("mine", str(folder))
    assert target.identity["source"]
    change(folder)
    with pytest.raises(UserError, match=rf"the files of {folder} were changed while this command ran.*run the same"):
        target.load()


def test_so_is_its_tokenizer(folder):
    target = TargetModel("mine", str(folder))
    assert target.identity["source"]
    config = folder / "tokenizer_config.json"
    config.write_text(config.read_text() + " ")
    with pytest.raises(UserError, match="changed while this command ran"):
        target.tokenizer()


def test_files_that_are_only_touched_or_that_nothing_was_named_after_are_read(folder):
    change(folder)
    target = TargetModel("mine", str(folder))
    target.load()
    assert target.identity["source"]
    os.utime(folder / "model.safetensors", (1, 1))
    target.load()


def test_who_begins_anew_in_the_same_process_gets_the_new_files(folder):
    target = TargetModel("mine", str(folder))
    before, model = target.identity, frozen_target(target)
    forget_changed_targets()
    assert frozen_target(target) is model
    change(folder)
    forget_changed_targets()
    assert frozen_target(target) is not model
    assert target.identity != before


def test_a_second_call_from_python_scores_with_the_model_that_is_there_then(folder):
    rows = [{"question": f"What is {n} and 1?", "response": f"It is {n + 1}."} for n in range(4)]
    values = []
    for _ in range(2):
        values.append(sppl.score(str(folder), {"one": rows}, ["perplexity"])["logprob"].mean())
        change(folder)
    assert values[0] != values[1]
