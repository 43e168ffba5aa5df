"""A loop hit by signals at random moments goes on where it was and ends with the table of one that nobody disturbed."""

import json
import os
import random
import subprocess
import sys

import pytest

from tests.conftest import ROOT

LONG = [pytest.mark.faults, pytest.mark.timeout(3600)]
STATUS = {"KILL": "SIGKILL -9", "INT": "SIGINT 130", "TERM": "SIGTERM 143"}


@pytest.mark.parametrize(
    ("signals", "times"),
    [("KILL,INT,TERM", 3), pytest.param("KILL", 50, marks=LONG), pytest.param("INT,TERM", 40, marks=LONG)],
)
def test_a_loop_stopped_at_random_moments_ends_with_the_same_table_and_no_artifact_is_damaged(tmp_path, signals, times):
    command = [sys.executable, "-m", "tests.faults.loop_and_die", str(tmp_path), signals, str(times)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    seed = str(random.Random().random())
    done = subprocess.run([*command, seed], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    sys.stdout.write(f"{found}\n")
    assert found["wrong"] == [], seed
    names = signals.split(",")
    assert found["statuses"] == {STATUS[name]: times / len(names) for name in names}
    assert found["tracebacks"] == 0
    assert found["slowest"] < 10  # seconds from the signal to the end
    assert times < 50 or len(found["moments"]) >= 5  # of seven kinds of work
