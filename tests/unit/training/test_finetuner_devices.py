"""Two processes on the CPU, as `trainer=ddp` and `trainer=fsdp` start them: they learn what one learns."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny import train

from sppl.training.lora import Lora
from sppl.training.training_settings import Training

HERE = Path(__file__).parent
SETTINGS = {"epochs": 2, "learning_rate": 1e-2}


def by_two(settings: dict, strategy: str, folder: Path, code: int = 0) -> None:
    path = os.pathsep.join([str(HERE), str(HERE.parents[2])])
    done = subprocess.run(
        [sys.executable, str(HERE / "tiny.py"), json.dumps(settings), strategy, str(folder)],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == code, done.stderr[-3000:]


def assert_same(folder: Path, model: torch.nn.Module, losses: list[float]) -> None:
    assert json.loads((folder / "losses.json").read_text()) == pytest.approx(losses, rel=1e-5)
    found = torch.load(folder / "weights.pt", weights_only=True)
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(found[name], weight, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 4},
        pytest.param({"batch_size": 2, "accumulate": 2, "batching": "packed"}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_two_processes_have_the_losses_of_one_with_the_same_batches(tmp_path, settings):
    settings = {**SETTINGS, **settings}  # 21 examples: the last step has one for two processes
    model, losses = train(Training(**settings), tmp_path / "one")
    by_two(settings, "ddp_spawn", tmp_path / "two")
    assert_same(tmp_path / "two", model, list(losses.values()))


SHARDED = {
    "all weights": {"batch_size": 4},
    "lora": {"batch_size": 2, "accumulate": 2, "lora": {"rank": 2, "dropout": 0.0}},
    "recomputed": {"batch_size": 4, "activation_checkpointing": True},
}


@pytest.mark.slow
@pytest.mark.parametrize("settings", SHARDED.values(), ids=SHARDED)
def test_shared_out_weights_learn_what_whole_ones_learn_also_after_a_stop(tmp_path, settings):
    lora = {"lora": Lora(**settings["lora"])} if "lora" in settings else {}
    model, losses = train(Training(**SETTINGS | settings | lora), tmp_path / "one")
    by_two(SETTINGS | settings, "fsdp_spawn", tmp_path / "two")
    assert_same(tmp_path / "two", model, list(losses.values()))
    by_two(SETTINGS | settings | {"stop": 8}, "fsdp_spawn", tmp_path / "three", code=1)
    by_two(SETTINGS | settings, "fsdp_spawn", tmp_path / "three")
    assert_same(tmp_path / "three", model, list(losses.values())[8:])
