"""Runs the accidents of a module in a process of its own, for what is imported there is forked from."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.conftest import ROOT


def run_cases(module: str, folder: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    """Returns what came of each case, in the order of the names."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", module, str(folder), *names]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    sys.stdout.write(done.stderr)
    found = json.loads(done.stdout)
    assert [one["case"] for one in found] == list(names)
    return found
