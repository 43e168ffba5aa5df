"""Every stage works on the GPU that the trainer names, and says so."""

import json
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

from tests.gpu.conftest import ON_CPU
from tests.stages.conftest import lab, made, stage, store  # noqa: F401 - the stages' fixtures

pytestmark = pytest.mark.filterwarnings("default")


def test_every_stage_leaves_the_name_of_its_device_in_the_provenance(stage, store, on, tmp_path):  # noqa: F811
    reward = tmp_path / "reward"
    with_head = LlamaConfig.from_pretrained("sppl/lab/checkpoint", num_labels=1, pad_token_id=0)
    LlamaForSequenceClassification(with_head).save_pretrained(reward)
    AutoTokenizer.from_pretrained("sppl/lab/checkpoint").save_pretrained(reward)
    few = [
        "strategy=[gpt4,claude]",
        "metric=[sppl,perplexity,ifd,scas,grace,reward]",
        f"metric.reward.model.path={reward}",
    ]
    few += ["metric.grace.dim=16", "target_model.dtype=bfloat16", "training=lora", "training.epochs=1", *on]
    for name in ("generate", "predict", "score", "finetune", "benchmark"):
        stage(name, store, *few)
    kinds = set()
    for path in (tmp_path / "store").rglob("*.json"):
        facts = json.loads(path.read_text())
        if "device" in facts:
            kinds.add(facts["leaf"].split("/")[0])
            assert ("cpu" if ON_CPU else torch.cuda.get_device_name()) == facts["device"], facts["leaf"]
            assert facts["peak_memory_mib"] > 0
    assert kinds == {"predictions", "token_stats", "rewards", "hidden_states", "gradients", "adapters", "answers"}


@pytest.mark.parametrize("trainer", ["ddp", "fsdp"])
def test_ddp_and_fsdp_train_on_one_device_what_plain_training_does(root, tmp_path, trainer):
    few = ["stage=[generate,finetune]", "strategy=[gpt4]", "n_train=24", "training.epochs=2", "logger=[]"]
    few += [f"hydra.run.dir={tmp_path}/run", f"reports={tmp_path}/reports"]
    given = ["trainer.accelerator=cpu"] if ON_CPU else []
    weights = {}
    for name in (trainer, "cpu" if ON_CPU else "gpu"):
        here = [f"store={tmp_path}/{name}", f"trainer={name}", *given, "trainer.precision=32-true"]
        if name == trainer:
            here.append(f"trainer.devices={2 if ON_CPU else 1}")  # a CPU cannot shard for itself alone
        done = subprocess.run([sys.executable, "run.py", *few, *here], cwd=root, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        (file,) = (tmp_path / name / "adapters").rglob("model.safetensors")
        weights[name] = load_file(file)
    one, other = weights.values()
    assert one.keys() == other.keys()
    for name, weight in one.items():
        torch.testing.assert_close(weight, other[name], rtol=1e-2, atol=2e-3)
