import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
STEPS = 18  # of 21 examples in batches of 4, three times
SETTINGS = {"epochs": 3, "batch_size": 4, "learning_rate": 1e-2}
DROPOUT = SETTINGS | {"lora": {"rank": 2, "dropout": 0.3}}
PACKED = SETTINGS | {"batch_size": 2, "accumulate": 2, "batching": "packed"}


def killed(settings: dict, folder: Path, *moments: str) -> list[dict]:
    path = os.pathsep.join([str(HERE.parent / "unit" / "training"), str(HERE.parents[1])])
    command = [sys.executable, str(HERE / "train_and_die.py"), json.dumps(settings), str(folder), *moments]
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_a_killed_training_goes_on_and_ends_with_the_same_bits(tmp_path):
    for run in killed(DROPOUT, tmp_path, "6", "11"):
        assert run["killed"]
        assert run["again"]
        assert run["saved"] == 2
        assert run["losses"], run
        assert run["weights"], run
        assert run["first"] == int(run["moment"]) + 1


@pytest.mark.faults
@pytest.mark.parametrize("settings", [SETTINGS, DROPOUT, PACKED], ids=["all weights", "dropout", "packed"])
def test_a_training_killed_at_any_step_ends_with_the_same_bits(tmp_path, settings):
    moments = random.Random(str(settings)).sample(range(STEPS), 10)
    for run in killed(settings, tmp_path, *map(str, moments)):
        assert run["killed"]
        assert run["losses"], run
        assert run["weights"], run


@pytest.mark.faults
def test_a_training_killed_at_any_moment_ends_with_the_same_bits(tmp_path):
    draw = random.Random()
    runs = killed(DROPOUT, tmp_path, *(f"{draw.uniform(0.02, 1.0):.3f}s" for _ in range(20)))
    assert sum(run["killed"] for run in runs) > 5
    for run in runs:
        assert run["losses"], run
        assert run["weights"], run
