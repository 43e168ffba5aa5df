"""Commands at once on one store: everything is made once, and whoever is stopped or killed holds nobody up for good."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.faults.together import CASES

ENDS = {
    "the same command four times": ([0] * 4, [True] * 4),
    "different commands": ([0] * 4, [True, False, False, False]),
    "the holder of a lock stopped for 5 s and continued": ([0] * 2, [True] * 2),
    "the holder of a lock killed": ([-9, 0, 0], [False, True, True]),
    "two versions of the project": ([0, 1], [False, True]),
}
"""Statuses, and whether the table is that of one command alone; in any order where it is by chance."""


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", CASES)
def test_commands_at_once_make_everything_once_and_end_with_the_table_of_one_alone(name, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.faults.together", str(tmp_path), name]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (found,) = json.loads(done.stdout)
    statuses, same = ENDS[name]
    if name.startswith("different"):
        assert (found["statuses"], found["same"]) == (statuses, same), found
    else:
        assert (sorted(found["statuses"]), sorted(found["same"])) == (statuses, sorted(same)), found
    assert (found["twice"], found["broken"], found["tracebacks"]) == ([], [], 0), found
