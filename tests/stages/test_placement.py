"""Every model of every stage goes through the one function that puts it where the trainer says."""

import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

from sppl.hardware import device
from sppl.hardware.hardware import Hardware
from sppl.models.target import KEPT

pytestmark = pytest.mark.filterwarnings("default")
HERE = torch.device("cpu", 0)
"""A CPU like any other, and yet not what a forgotten placement would be given."""


@pytest.fixture
def placed(monkeypatch):
    """The models that were placed, each with its device; the trainer's device is `HERE`."""
    seen: list[tuple[str, torch.device]] = []
    place = device.place

    def spy(model, where):
        seen.append((type(model).__name__, where))
        return place(model, torch.device("cpu"))

    for module in ("hardware.device", "hardware.reader", "generation.answering", "scoring.shards"):
        monkeypatch.setattr(f"sppl.{module}.place", spy)
    monkeypatch.setattr(Hardware, "device", property(lambda self: HERE))
    KEPT.clear()
    return seen


@pytest.fixture
def reward_model(root, tmp_path) -> str:
    folder = tmp_path / "reward"
    config = LlamaConfig.from_pretrained(root / "sppl/lab/checkpoint", num_labels=1, pad_token_id=0)
    LlamaForSequenceClassification(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(root / "sppl/lab/checkpoint").save_pretrained(folder)
    return str(folder)


FEW = ["strategy=[gpt4]", "n_train=4", "n_test=2", "n_score=2", "n_predict=4", "training.batch_size=4"]


def test_predicting_training_and_evaluating_place_their_models(stage, store, placed):
    for name, models in (("predict", 1), ("finetune", 1), ("benchmark", 2)):
        placed.clear()
        stage("generate", store, *FEW)
        stage(name, store, *FEW)
        assert placed == [("LlamaForCausalLM", HERE)] * models, name


def test_evaluating_on_tasks_of_lm_eval_places_its_models(stage, store, placed, root, tmp_path):
    task = tmp_path / "few.yaml"
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"q": "2 + 2?", "a": "4"}\n{"q": "1 + 1?", "a": "2"}\n')
    task.write_text(
        f"task: few\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: {rows}}}}}\ntest_split: test\n"
        "output_type: generate_until\ndoc_to_text: '{{q}}'\ndoc_to_target: '{{a}}'\n"
        "generation_kwargs: {max_gen_toks: 4, until: []}\nmetric_list: [{metric: exact_match}]\n"
    )
    few = [*FEW, f"benchmark.also=[{task}]"]
    for name in ("generate", "finetune"):
        stage(name, store, *few)
    placed.clear()
    stage("benchmark", store, *few)
    assert placed == [("LlamaForCausalLM", HERE)] * 4


@pytest.mark.parametrize("metric", ["sppl", "scas", "grace", "reward"])
def test_scoring_places_the_model_of_every_kind_of_table(stage, store, placed, reward_model, metric):
    few = [*FEW, f"metric=[{metric}]", *([f"metric.reward.model.path={reward_model}"] if metric == "reward" else [])]
    for name in ("generate", "predict"):
        stage(name, store, *few)
    placed.clear()
    stage("score", store, *few)
    kinds = {name for name, _ in placed}
    assert kinds == {
        {"reward": "LlamaForSequenceClassification", "grace": "PeftModelForCausalLM"}.get(metric, "LlamaForCausalLM")
    }
    assert all(where.type == "cpu" for _, where in placed)
    if metric == "sppl":
        assert ("LlamaForCausalLM", HERE) in placed
