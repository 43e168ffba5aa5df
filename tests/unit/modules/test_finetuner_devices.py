import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import train

from sppl.modules.training import Training

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    "settings", [{"batch_size": 4}, {"batch_size": 2, "accumulate": 2, "batching": "packed"}], ids=str
)
def test_two_processes_have_the_losses_of_one_with_the_same_batches(tmp_path, settings):
    settings = {"epochs": 2, "learning_rate": 1e-2, **settings}  # 21 examples: the last step has one for two processes
    model, expected = train(Training(**settings), tmp_path / "one")
    folder = tmp_path / "two"
    folder.mkdir()
    path = os.pathsep.join([str(HERE), str(HERE.parents[2])])
    done = subprocess.run(
        [sys.executable, str(HERE / "tiny.py"), json.dumps(settings), "2", str(folder)],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((folder / "result.json").read_text())
    assert found["losses"] == pytest.approx(list(expected.values()), rel=1e-5)
    total = sum(weight.double().abs().sum().item() for weight in model.parameters())
    assert found["weights"] == pytest.approx(total, rel=1e-5)
