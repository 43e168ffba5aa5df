"""Whatever happens to files, the clock or the process while a command runs, the next one ends with the same table."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.faults.meanwhile import CASES

SHORT = [
    "kill -9 between provenance and data of adapters",
    "the token_stats removed once written",
    "the run's folder removed",
]


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(SHORT, marks=pytest.mark.timeout(900)),
        pytest.param(list(CASES), marks=[pytest.mark.faults, pytest.mark.timeout(7200)]),
    ],
    ids=["short", "all"],
)
def test_the_command_ends_with_its_table_or_in_a_sentence_and_the_next_one_goes_on(names, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.faults.meanwhile", str(tmp_path), *names]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    sys.stdout.write(done.stderr)
    found = json.loads(done.stdout)
    assert [one["case"] for one in found] == names
    for one in found:
        assert "Traceback" not in one["said"], one
        assert one["went_on"], one
        if one["case"].startswith("kill"):
            assert (one["status"], one["broken"]) == (-9, []), one
        elif one["status"] == 0:
            assert one["same"], one
        else:
            assert one["status"] == 1, one
            last = one["said"].splitlines()[-1]
            assert "again" in last or "python run.py" in last, one  # the way on
