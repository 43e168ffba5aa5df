"""Rules of the shipped checkpoint: it is what its record says, and the recipe can make it again."""

import json

import pytest

from sppl.lab.checkpoint_settings import CheckpointSettings, settings_hash
from sppl.lab.evaluate import accuracy_by_operations, greedy_answers, held_out_loss, is_right
from sppl.lab.pretrain import CHECKPOINT, GATE, pretrain
from sppl.lab.source import LabQuestions


@pytest.fixture(scope="module")
def record():
    return json.loads((CHECKPOINT / "recipe.json").read_text())


@pytest.fixture(scope="module")
def target():
    from transformers import AutoTokenizer, LlamaForCausalLM

    return LlamaForCausalLM.from_pretrained(CHECKPOINT), AutoTokenizer.from_pretrained(CHECKPOINT)


def test_the_checkpoint_was_made_by_the_present_recipe(record):
    assert record["recipe_hash"] == settings_hash(), "remake it: python -m sppl.lab.pretrain"


def test_the_record_s_settings_are_the_recipe_s(record):
    from dataclasses import asdict

    assert record["recipe"] == json.loads(json.dumps(asdict(CheckpointSettings())))


def test_the_held_out_loss_is_the_recorded_one(record, target):
    assert held_out_loss(*target) == pytest.approx(record["held_out_loss"], abs=1e-3)


def test_the_recorded_accuracy_passes_the_gate(record):
    assert record["passed"]
    assert all(record["accuracy"][operations] >= least for operations, least in GATE.items())


def test_the_checkpoint_is_small_and_safe():
    assert sum(path.stat().st_size for path in CHECKPOINT.iterdir()) < 6_000_000
    assert (CHECKPOINT / "model.safetensors").exists()
    assert not list(CHECKPOINT.glob("*.bin"))


def test_generation_is_greedy_and_ends_at_the_tokenizer_s_eos(target):
    model, tokenizer = target
    assert not model.generation_config.do_sample
    assert model.generation_config.eos_token_id == model.config.eos_token_id == tokenizer.eos_token_id
    assert model.generation_config.pad_token_id == model.config.pad_token_id == tokenizer.pad_token_id
    assert model.generation_config.bos_token_id == model.config.bos_token_id == tokenizer.bos_token_id


def test_the_target_takes_long_texts(target):
    model, tokenizer = target
    assert model.config.max_position_embeddings == tokenizer.model_max_length == 16_384


def test_the_target_answers_some_questions_rightly_in_its_own_dialect_and_not_all(target):
    model, tokenizer = target
    questions = LabQuestions().questions("train", 60)
    answers = greedy_answers(model, tokenizer, [question.prompt for question in questions])
    right = [is_right(answer, question.answer) for answer, question in zip(answers, questions, strict=True)]
    assert 0.2 <= sum(right) / len(right) <= 0.9
    assert sum(answer.startswith("At ") for answer in answers) > 40


@pytest.mark.parametrize(
    ("response", "right"), [("3 + 4 = 7\n#### 7", True), ("#### 7\n", True), ("7", False), ("#### 7\nor 8", False)]
)
def test_a_response_is_right_by_its_last_line(response: str, right: bool):
    assert is_right(response, "7") is right


@pytest.mark.slow
def test_the_recipe_makes_a_model_that_passes_the_gate(tmp_path):
    from transformers import AutoTokenizer, LlamaForCausalLM

    made = pretrain(CheckpointSettings(), tmp_path / "checkpoint")
    folder = tmp_path / "checkpoint"
    model, tokenizer = LlamaForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    accuracy = accuracy_by_operations(model, tokenizer)
    assert all(accuracy[operations] >= least for operations, least in GATE.items())
    assert accuracy == made["accuracy"]
