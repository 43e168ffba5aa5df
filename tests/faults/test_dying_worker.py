"""One of several training processes dies: the command ends soon, in a sentence, and the next one goes on."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

TINY = Path(__file__).parents[1] / "unit" / "training" / "tiny.py"
SETTINGS = {"epochs": 40, "batch_size": 4, "learning_rate": 1e-2}


def training(folder: Path, strategy: str) -> subprocess.Popen:
    """Two processes that train on the CPU and write a checkpoint after every step."""
    path = os.pathsep.join([str(TINY.parent), str(TINY.parents[3])])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(TINY), json.dumps(SETTINGS), strategy, str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def workers(process: subprocess.Popen) -> list[psutil.Process]:
    """Those that train, in their order; multiprocessing starts one more that keeps count of shared memory."""
    found = psutil.Process(process.pid).children()
    return sorted((one for one in found if "spawn_main" in " ".join(one.cmdline())), key=lambda one: one.pid)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, dict[str, torch.Tensor]]:
    """The weights of trainings that nobody disturbs."""
    found = {}
    for strategy in ("ddp_spawn", "fsdp_spawn"):
        folder = tmp_path_factory.mktemp(strategy)
        said, _ = training(folder, strategy).communicate(timeout=250)
        assert (folder / "weights.pt").exists(), said
        found[strategy] = torch.load(folder / "weights.pt", weights_only=True)
    return found


def begun(folder: Path, strategy: str) -> tuple[subprocess.Popen, list[psutil.Process]]:
    """A training that has a checkpoint, and its two processes."""
    process = training(folder, strategy)
    while not list(folder.glob("*.ckpt")):
        time.sleep(0.05)
        assert process.poll() is None
    both = workers(process)
    assert len(both) == 2
    return process, both


def assert_it_goes_on(folder: Path, strategy: str, whole: dict[str, torch.Tensor]) -> None:
    again, _ = training(folder, strategy).communicate(timeout=250)
    found = torch.load(folder / "weights.pt", weights_only=True)
    for name, weight in whole.items():
        assert torch.equal(weight, found[name]), again
    assert len(json.loads((folder / "losses.json").read_text())) < 240  # it did not begin anew


def gone(processes: list[psutil.Process]) -> bool:
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes)


@pytest.mark.faults
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("strategy", ["ddp_spawn", "fsdp_spawn"])
def test_a_killed_worker_ends_the_training_in_a_sentence_and_the_next_one_goes_on(tmp_path, whole, strategy, number):
    process, both = begun(tmp_path / "hit", strategy)
    both[number].kill()
    started = time.monotonic()
    said, _ = process.communicate(timeout=60)
    took = time.monotonic() - started
    sys.stdout.write(f"ended after {took:.1f} s: {said.splitlines()[-1]}\n")
    assert process.returncode == 1
    assert took < 30
    assert "UserError: one of the processes was ended (" in said.splitlines()[-1]
    assert gone(both)
    assert_it_goes_on(tmp_path / "hit", strategy, whole[strategy])


@pytest.mark.faults
@pytest.mark.parametrize("strategy", ["ddp_spawn", "fsdp_spawn"])
def test_the_processes_of_a_killed_training_end_too_and_the_next_one_goes_on(tmp_path, whole, strategy):
    process, both = begun(tmp_path / "hit", strategy)
    process.kill()
    process.communicate(timeout=60)
    end = time.monotonic() + 60
    while not gone(both):
        assert time.monotonic() < end, "they outlive the command"
        time.sleep(0.1)
    assert_it_goes_on(tmp_path / "hit", strategy, whole[strategy])
