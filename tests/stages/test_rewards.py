"""Rewards by a tiny random classifier with the lab's tokenizer, and what is no reward model."""

import logging
import shutil

import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

from sppl.models.reward_model import RewardModel
from sppl.schemas import UserError
from tests.conftest import ROOT

pytestmark = pytest.mark.filterwarnings("default")
CHECKPOINT = ROOT / "sppl" / "lab" / "checkpoint"


def classifier(folder, labels: int = 1):
    torch.manual_seed(0)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    words = len(AutoTokenizer.from_pretrained(CHECKPOINT))
    config = LlamaConfig(vocab_size=words, max_position_embeddings=512, num_labels=labels, **size)
    model = LlamaForSequenceClassification(config).eval()
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(CHECKPOINT).save_pretrained(folder)
    return model


@pytest.fixture
def chosen(tmp_path):
    model = classifier(tmp_path / "rm")
    settings = [f"metric.{name}.model.{key}" for name in ("reward", "car") for key in ("path", "name", "dtype")]
    values = [str(tmp_path / "rm"), "tiny", "float32"] * 2
    return model, ["metric=[reward,car]", *(f"{k}={v}" for k, v in zip(settings, values, strict=True))]


def test_a_reward_is_the_classifiers_output_for_the_finished_chat(stage, store, chosen, lab):
    model, overrides = chosen
    stage("score", store, "strategy=[gpt4,claude]", *overrides)
    plan = stage("rank", store, "strategy=[gpt4,claude]", *overrides)
    frame = store.read(store.open((plan.found + plan.to_make)[-1])).set_index(["metric", "strategy"])
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT)
    questions = lab.benchmark.questions.questions("train", 6)
    (artifact,) = store.artifacts("rewards", "lab", "tiny", "gpt4")
    found = store.read(artifact).set_index("example_id")["reward"]
    from sppl.strategies.recipe import Recipe

    for question, text in zip(questions, lab.benchmark.responses.respond(Recipe("gpt4", ""), questions), strict=True):
        chat = tokenizer.bos_token + f"<|user|>{question.prompt}<|assistant|>{text}" + tokenizer.eos_token
        ids = tokenizer(chat, add_special_tokens=False, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            last = model.model(ids).last_hidden_state[0, -1]
            assert found[question.id] == pytest.approx(float(model.score(last)), abs=1e-5)
    assert frame.loc[("reward_tiny", "gpt4"), "value"] == pytest.approx(found.mean())
    assert frame.loc[("car_tiny", "gpt4"), "cost"] == 2


def test_negative_rewards_are_said_aloud_with_the_shift_that_lifts_them(stage, store, chosen, caplog):
    _, overrides = chosen
    stage("score", store, "strategy=[gpt4]", *overrides)
    with caplog.at_level(logging.WARNING):
        stage("rank", store, "strategy=[gpt4]", *overrides, "metric.car.shift=-100")
    assert "6 of 6 rewards are negative" in caplog.text
    assert "metric.car.shift=" in caplog.text


def test_a_missing_reward_model_is_one_sentence_with_the_setting(stage, store, tmp_path):
    with pytest.raises(UserError, match=r"reward model.*cannot be loaded.*metric\.reward\.model\.path=FOLDER"):
        stage("score", store, "strategy=[gpt4]", "metric=[reward]", f"metric.reward.model.path={tmp_path}/nowhere")


def test_a_language_model_is_no_reward_model_though_it_loads(tmp_path):
    shutil.copytree(CHECKPOINT, tmp_path / "lm")
    with pytest.raises(UserError, match=r"no trained sequence classifier: its weights lack score\.weight"):
        RewardModel("lm", str(tmp_path / "lm"), dtype="float32").load()


def test_a_classifier_with_two_outputs_is_no_reward_model(tmp_path):
    classifier(tmp_path / "two", labels=2)
    with pytest.raises(UserError, match="2 outputs; a reward is one number"):
        RewardModel("two", str(tmp_path / "two"), dtype="float32").load()
