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


def training(folder: Path) -> subprocess.Popen:
    """Two processes that train on the CPU and write a checkpoint after every step."""
    path = os.pathsep.join([str(TINY.parent), str(TINY.parents[3])])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(TINY), json.dumps(SETTINGS), "ddp_spawn", str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def workers(process: subprocess.Popen) -> list[psutil.Process]:
    """Those that train, in their order; multiprocessing starts one more that keeps count of shared memory."""
    found = psutil.Process(process.pid).children()
    return sorted((one for one in found if "spawn_main" in " ".join(one.cmdline())), key=lambda one: one.pid)


@pytest.mark.faults
@pytest.mark.parametrize("number", [0, 1])
def test_a_killed_worker_ends_the_training_in_a_sentence_and_the_next_one_goes_on(tmp_path, number):
    whole, _ = training(tmp_path / "whole").communicate(timeout=250)
    assert (tmp_path / "whole" / "weights.pt").exists(), whole
    process = training(tmp_path / "hit")
    while not list((tmp_path / "hit").glob("*.ckpt")):
        time.sleep(0.05)
        assert process.poll() is None
    both = workers(process)
    assert len(both) == 2
    both[number].kill()
    begun = time.monotonic()
    said, _ = process.communicate(timeout=60)
    took = time.monotonic() - begun
    sys.stdout.write(f"ended after {took:.1f} s: {said.splitlines()[-1]}\n")
    assert process.returncode == 1
    assert took < 30
    assert "UserError: one of the processes was ended (" in said.splitlines()[-1]
    assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in both)
    again, _ = training(tmp_path / "hit").communicate(timeout=250)
    found = [torch.load(tmp_path / name / "weights.pt", weights_only=True) for name in ("whole", "hit")]
    for name, weight in found[0].items():
        assert torch.equal(weight, found[1][name]), again
    assert len(json.loads((tmp_path / "hit" / "losses.json").read_text())) < 240  # it did not begin anew
