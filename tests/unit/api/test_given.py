"""Rows that are given to a call name their gold answers as files may."""

import pytest
import torch

from sppl.api.comparison import resolve_target
from sppl.api.given import read_rows
from sppl.schemas import UserError
from tests.conftest import ROOT


def row(**more) -> dict:
    return {"question": "What is 3 and 4?", "response": "It is 7."} | more


@pytest.mark.parametrize("name", ["answer", "gold", "gold_label", "label"])
@pytest.mark.parametrize("gold", ["7", 7, 7.0])
def test_a_gold_answer_has_any_of_the_names_it_has_in_files(name, gold):
    (question,) = read_rows({"one": [row(**{name: gold})]}).asked
    assert question.answer == "7"


def test_without_one_there_is_none():
    (question,) = read_rows({"one": [row(gold=None)]}).asked
    assert question.answer == ""


def test_two_that_say_the_same_are_one_and_two_that_do_not_are_a_problem():
    (question,) = read_rows({"one": [row(answer="7", gold=7)]}).asked
    assert question.answer == "7"
    with pytest.raises(UserError, match="one, row 0: `answer` '7' and `label` '8' are both gold answers; leave one"):
        read_rows({"one": [row(answer="7", label="8")]})


def test_a_target_may_be_a_path_and_a_loaded_model_is_told_what_to_do():
    assert resolve_target(ROOT / "sppl" / "lab" / "checkpoint").path.endswith("checkpoint")
    with pytest.raises(UserError, match=r'target is a Linear; give a name.*model.save_pretrained\("FOLDER"\)'):
        resolve_target(torch.nn.Linear(1, 1))  # pyright: ignore[reportArgumentType]


def test_a_folder_is_loaded_as_its_configuration_says_as_the_command_does(tmp_path):
    (tmp_path / "config.json").write_text('{"dtype": "float16"}')
    (tmp_path / "tokenizer_config.json").write_text("{}")
    found = resolve_target(str(tmp_path))
    assert (found.dtype, found.template) == ("float16", "paper")
    assert resolve_target("org/model").dtype == "bfloat16"
