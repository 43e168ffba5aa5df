"""A sweep on several processes, one of which is killed: the same command goes on to the table of an undisturbed one."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.conftest import QUICK
from tests.faults.loop_and_die import damaged

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]
COMMAND = ["-m", "strategy=gpt4,claude", *QUICK, "metric=[sppl,length]", "logger=[]", "name=loop"]
WORKER = {"joblib": "loky.backend", "submitit_local": "core._submit"}


def at_work(sweep: Path) -> bool:
    """Whether both jobs have begun."""
    found = [json.loads(path.read_text())["status"] for path in sweep.glob("*/job.json")]
    return found == ["interrupted"] * 2


def until(true: Callable[[], object], seconds: float = 200) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def workers(process: subprocess.Popen, launcher: str) -> list[psutil.Process]:
    """The processes of the launcher's jobs, the youngest last."""
    every = psutil.Process(process.pid).children(recursive=True)
    found = [one for one in every if WORKER[launcher] in " ".join(one.cmdline())]
    return sorted(found, key=lambda one: one.create_time())


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """The table of a sweep that nobody disturbs, one job after the other."""
    folder = tmp_path_factory.mktemp("whole")
    done = subprocess.run(
        ["python", "run.py", *COMMAND, f"store={folder}/store", f"reports={folder}", f"hydra.sweep.dir={folder}/sweep"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / "loop" / "table.csv").read_bytes()


@pytest.mark.parametrize("kind", ["token_stats", "adapters"])
@pytest.mark.parametrize("launcher", WORKER)
@pytest.mark.parametrize(
    ("whom", "number"), [("worker", signal.SIGKILL), ("parent", signal.SIGKILL), ("parent", signal.SIGTERM)]
)
def test_the_same_command_goes_on_to_the_same_table_and_no_artifact_is_damaged(
    start, run_py, whole, tmp_path, launcher, whom, number, kind
):
    command, store = [*COMMAND, f"hydra/launcher={launcher}"], tmp_path / "store"
    sweep = start(*command, store=store)
    until(lambda: at_work(tmp_path / "sweep") and list((store / kind).rglob("*.lock")))
    every = workers(sweep, launcher)
    psutil.Process(every[-1].pid if whom == "worker" else sweep.pid).send_signal(number)
    alone = (
        whom == "parent" and number == signal.SIGKILL
    )  # its workers end their jobs, and write to its pipe until then
    said = "" if alone and sweep.wait(timeout=250) else sweep.communicate(timeout=250)[0]
    assert sweep.returncode == {"worker": 1, "parent": -9 if number == signal.SIGKILL else 143}[whom], said
    assert "Traceback" not in said
    if number == signal.SIGTERM:
        assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in every)
    assert damaged(store) == []
    again = run_py(*command, store=store)
    for one in every if alone else ():
        with suppress(psutil.NoSuchProcess):
            one.kill()
    sweep.stdout.close()
    assert again.code == 0, again.out
    assert damaged(store) == []
    assert (again.reports / "loop" / "table.csv").read_bytes() == whole
