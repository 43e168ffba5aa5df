"""`trainer=ddp` through the command itself, on two CPU processes."""

import pytest
import torch
from safetensors.torch import load_file

from tests.conftest import QUICK

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
ON_CPU = ["trainer.accelerator=cpu", "training.precision=32-true"]


def test_two_processes_make_the_adapter_of_one_and_tell_a_users_mistake_as_one_does(start, tmp_path):
    given = [*QUICK, *ON_CPU, "strategy=[gpt4]", "stage=[finetune]"]
    found = {}
    for trainer in ("gpu", "ddp"):
        process = start(*given, f"trainer={trainer}", store=tmp_path / trainer, folder=tmp_path / f"{trainer}_runs")
        said, _ = process.communicate(timeout=280)
        assert process.returncode == 0, said
        (path,) = (tmp_path / trainer).rglob("adapter_model.safetensors")
        found[trainer] = load_file(path)
    for name, weight in found["gpu"].items():
        torch.testing.assert_close(found["ddp"][name], weight, rtol=1e-4, atol=1e-5)
    worse = [
        "trainer=ddp",
        "training.learning_rate=1e30",
        "training.clip=0",
        "training.epochs=9",
    ]
    process = start(*given, *worse, store=tmp_path / "ddp", folder=tmp_path / "worse")
    said, _ = process.communicate(timeout=280)
    assert process.returncode == 1
    assert "is not finite; examples of the step: train-" in said
    assert "Traceback" not in said


def test_a_sweep_under_the_basic_launcher_spawns_processes_for_every_jobs_fit(start, tmp_path):
    given = ["-m", "strategy=gpt4,claude", *QUICK, *ON_CPU, "stage=[finetune]", "trainer=ddp"]
    process = start(*given, store=tmp_path / "store")
    said, _ = process.communicate(timeout=280)
    assert process.returncode == 0, said
    assert said.count("jobs are done already") == 1  # no process began the sweep anew
    assert len(list((tmp_path / "store").rglob("adapter_model.safetensors"))) == 2
