"""A full disk, a place that cannot be written to, too little memory: a sentence, and the next run goes on."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import QUICK, ROOT
from tests.faults.lack_and_go_on import mounted

PATTERN = {
    "fsize": "there is no room left to write (",
    "disk": "there is no room left to write (",
    "read_only": "this place cannot be written to or read (",
    "memory": "memory",
}
CASES = {
    "fsize": [["fsize", size] for size in (100, 5_000, 50_000, 400_000, 2_000_000)],
    "disk": [["disk", size] for size in ("100k", "200k", "300k", "1m", "3m", "4m", "7m", "9m")],
    "read_only": [["read_only", place] for place in ("store", "loop", "run")],
    "memory": [["memory", size << 20] for size in (1, 20, 30, 60, 80, 100)],
}


def may_mount() -> bool:
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


MOUNTS = pytest.mark.skipif(not may_mount(), reason="mounting a file system takes rights that this process lacks")


def gone_without(folder, cases: list) -> list[dict]:
    command = [sys.executable, "-m", "tests.faults.lack_and_go_on", str(folder), json.dumps(cases)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def assert_told(found: list[dict]) -> None:
    for one in found:
        kind = one["case"][0]
        sys.stdout.write(f"{one['case']}: status {one['status']}, then {one['again']}\n{one['said'][-600:]}\n")
        assert one["status"] == 1 or (kind == "memory" and one["status"] not in (0, None)), one  # C may abort by itself
        assert PATTERN[kind] in one["said"], one
        assert "Traceback" not in one["said"], one
        assert one["broken"] == []
        assert one["again"] == 0
        assert one["table"], one


def test_where_a_file_may_not_grow_the_run_says_so(tmp_path):
    places = [f"store={tmp_path}/store", f"reports={tmp_path}", f"hydra.run.dir={tmp_path}/run"]
    command = [sys.executable, "run.py", *QUICK, "strategy=[gpt4]", "stage=[generate,finetune]", "logger=[]", *places]
    small = ["prlimit", "--fsize=70000"]  # responses are smaller, weights larger
    done = subprocess.run([*small, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert PATTERN["fsize"] in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "store" / "responses").rglob("*.parquet"))
    assert not list((tmp_path / "store" / "adapters").rglob("*.json"))


@pytest.mark.faults
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "kind", ["fsize", "memory", pytest.param("disk", marks=MOUNTS), pytest.param("read_only", marks=MOUNTS)]
)
def test_whatever_the_machine_lacks_is_said_in_a_sentence_and_the_next_run_goes_on(tmp_path, kind):
    assert_told(gone_without(tmp_path, CASES[kind]))


@MOUNTS
@pytest.mark.parametrize("size", ["64k", "80k", "120k"])
def test_a_sweep_without_room_for_its_own_records_says_so(start, tmp_path, size):
    folder = tmp_path / "small"
    with mounted(folder, f"size={size}"):
        process = start("-m", "strategy=gpt4,claude", *QUICK, store=folder / "store", folder=folder)
        said, _ = process.communicate(timeout=200)
    assert process.returncode == 1, said
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("there is no room left to write (")
