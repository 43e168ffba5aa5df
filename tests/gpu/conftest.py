"""The tests marked `gpu` need a CUDA device; SPPL_GPU_TESTS=cpu runs them without one, to see that they run at all."""

import os

import pytest
import torch

from sppl.hardware.hardware import Hardware

ON_CPU = os.environ.get("SPPL_GPU_TESTS") == "cpu"


@pytest.fixture(autouse=True)
def somewhere():
    if not torch.cuda.is_available() and not ON_CPU:
        pytest.skip("no CUDA device here (SPPL_GPU_TESTS=cpu to run on the CPU)")
    if not ON_CPU:
        torch.cuda.empty_cache()


@pytest.fixture
def hardware() -> Hardware:
    return Hardware("cpu" if ON_CPU else "gpu", lightning={"enable_progress_bar": False})


@pytest.fixture
def device(hardware) -> torch.device:
    return hardware.device


@pytest.fixture
def on() -> list[str]:
    """What a command is told to work there."""
    return ["trainer.accelerator=cpu" if ON_CPU else "trainer=gpu", "trainer.precision=bf16-mixed"]
