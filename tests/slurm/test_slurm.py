"""Sweeps through a real Slurm: the same table as without, and what a user finds after accidents."""

import json
import re
import signal
from pathlib import Path

import pandas as pd
import psutil
import pytest

from tests.conftest import QUICK
from tests.faults.loop_and_die import damaged
from tests.slurm.conftest import said, until

pytestmark = pytest.mark.filterwarnings("default")
COMMAND = ["-m", "strategy=gpt4,claude,rewrite", *QUICK, "logger=[]"]


def array(sweep: Path) -> str:
    """The number of the sweep's job array, once every job of it has begun its work."""
    until(lambda: list(statuses(sweep).values()) == ["interrupted"] * 3, "three jobs at work", 120)
    return min(path.name for path in (sweep / ".submitit").glob("[0-9]*")).partition("_")[0]


def statuses(sweep: Path) -> dict[str, str]:
    found = sorted(sweep.glob("*/job.json"), key=lambda path: int(path.parent.name))
    return {path.parent.name: json.loads(path.read_text())["status"] for path in found}


def assert_the_table_is_the_basic_launchers(run_py) -> None:
    basic = run_py(*COMMAND, "name=basic")
    assert basic.code == 0, basic.out
    one, other = (pd.read_csv(basic.reports / name / "table.csv") for name in ("basic", "slurm"))
    pd.testing.assert_frame_equal(one, other)


def test_a_sweep_through_slurm_is_one_array_as_asked_for_and_gives_the_table_of_the_basic_launcher(
    run_py, slurm, tmp_path
):
    asked = ["hydra.launcher.partition=debug", "hydra.launcher.comment=ours", "hydra.launcher.array_parallelism=2"]
    through = run_py(*COMMAND, *slurm, *asked, "name=slurm", store=tmp_path / "store")
    (script,) = (tmp_path / "sweep" / ".submitit").glob("*/*_submission.sh")
    options = {line.removeprefix("#SBATCH --") for line in script.read_text().splitlines()}
    assert {"partition=debug", "comment=ours", "array=0-2%2", "time=720", "signal=USR2@120", "requeue"} <= options
    assert "export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK" in options
    assert through.code == 0, through.out
    assert_the_table_is_the_basic_launchers(run_py)


@pytest.mark.slow
def test_jobs_that_are_requeued_or_warned_of_their_end_go_on_and_the_table_is_the_same(run_py, start, slurm, tmp_path):
    sweep = start(*COMMAND, *slurm, "name=slurm", store=tmp_path / "store")
    number = array(tmp_path / "sweep")
    said("scontrol", "requeue", f"{number}_0")
    said("scancel", "--signal=USR2", f"{number}_1")  # what Slurm sends before the time is over
    for task in (0, 1):
        job = f"{number}_{task}"
        until(lambda job=job: said("squeue", "--noheader", "--jobs", job, "--format=%T") == "PENDING", "the requeue")
        said("scontrol", "update", f"JobId={job}", "StartTime=now")  # Slurm itself would wait two minutes
    out, _ = sweep.communicate(timeout=280)
    assert sweep.returncode == 0, out
    restarts = [said("scontrol", "show", "job", f"{number}_{task}") for task in (0, 1, 2)]
    assert [re.search(r"Restarts=(\d+)", text).group(1) for text in restarts] == ["1", "1", "0"]  # pyright: ignore
    assert_the_table_is_the_basic_launchers(run_py)


@pytest.mark.slow
def test_a_job_that_dies_or_is_cancelled_is_a_gap_with_slurms_reason_and_the_same_command_starts_only_it(
    run_py, start, slurm, tmp_path
):
    command = [*COMMAND, *slurm, "name=slurm"]
    sweep = start(*command, store=tmp_path / "store")
    number = array(tmp_path / "sweep")
    said("scancel", f"{number}_0")
    for process in psutil.process_iter(["cmdline"]):
        if "submitit.core._submit" in process.info["cmdline"] and process.environ()["SLURM_ARRAY_TASK_ID"] == "1":
            process.kill()
    out, _ = sweep.communicate(timeout=280)
    assert sweep.returncode == 1
    assert "Traceback" not in out
    stopped = "it was stopped before its end; its run.log says how far it came; Slurm says"
    for strategy, end in (("gpt4", "CANCELLED"), ("claude", "FAILED")):
        assert re.search(rf"interrupted: strategy={strategy} .*: {stopped} {end}", out), out
    gaps = pd.read_csv(tmp_path / "reports" / "slurm" / "table.csv").set_index("strategy")
    assert "Slurm says CANCELLED" in str(gaps.loc["gpt4"].to_dict())
    again = run_py(*command, store=tmp_path / "store")
    assert again.code == 0, again.out
    assert "sweep: 1 of 3 jobs are done already, 2 to start" in again.out
    assert_the_table_is_the_basic_launchers(run_py)


@pytest.mark.slow
def test_after_ctrl_c_slurm_goes_on_with_the_jobs_and_those_of_the_same_command_wait_for_them(
    run_py, start, slurm, tmp_path
):
    command = [*COMMAND, *slurm, "name=slurm"]
    sweep = start(*command, store=tmp_path / "store")
    number = array(tmp_path / "sweep")
    sweep.send_signal(signal.SIGINT)
    out, _ = sweep.communicate(timeout=30)
    assert sweep.returncode == 130
    assert f"Slurm goes on with the jobs of this sweep; to cancel them: scancel {number}" in out
    assert "Traceback" not in out
    again = run_py(*command, store=tmp_path / "store")
    assert again.code == 0, again.out
    until(lambda: not said("squeue", "--noheader"), "the first command's jobs", 120)
    assert list(statuses(tmp_path / "sweep").values()) == ["done"] * 6
    logs = "".join(path.read_text() for path in (tmp_path / "sweep").glob("*/run.log"))
    made = re.findall(r"sppl.artifacts.store: (\S+): [\d.]+ (?:rows|MB)", logs)
    assert len(made) == len(set(made)) >= 15, sorted(made)
    third = run_py(*command, store=tmp_path / "store")
    assert "sweep: 3 of 3 jobs are done already, 0 to start" in third.out


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143)])
def test_after_its_command_was_killed_slurm_goes_on_with_the_jobs_and_the_same_command_ends_with_the_table(
    run_py, start, slurm, tmp_path, number, status
):
    command = [*COMMAND, *slurm, "name=slurm"]
    sweep = start(*command, store=tmp_path / "store")
    array(tmp_path / "sweep")
    sweep.send_signal(number)
    out, _ = sweep.communicate(timeout=30)
    assert sweep.returncode == status, out
    assert "Traceback" not in out
    assert run_py(*command, store=tmp_path / "store").code == 0
    until(lambda: not said("squeue", "--noheader"), "the first command's jobs", 120)
    assert damaged(tmp_path / "store") == []
    assert_the_table_is_the_basic_launchers(run_py)


@pytest.mark.slow
def test_a_job_warned_of_its_end_goes_on_from_its_checkpoint_and_the_last_time_its_record_says_so(
    start, slurm, tmp_path
):
    long = [*QUICK[:-1], "training.epochs=5000", "stage=[generate,finetune]", "logger=[]"]
    twice = ["hydra.launcher.timeout_min=10", "hydra.launcher.max_num_timeout=1", "hydra.launcher.signal_delay_s=0"]
    sweep = start("-m", "strategy=gpt4", *long, *slurm, *twice, store=tmp_path / "store")
    until(lambda: len(list((tmp_path / "store").rglob("checkpoints/*"))) > 0, "a checkpoint", 120)
    (number,) = [path.name for path in (tmp_path / "sweep" / ".submitit").glob("[0-9]*")]
    log = tmp_path / "sweep" / "0" / "run.log"
    said("scancel", "--signal=USR2", number)  # as Slurm does before the ten minutes are over
    until(lambda: said("squeue", "--noheader", "--jobs", number, "--format=%T") == "PENDING", "the requeue")
    said("scontrol", "update", f"JobId={number}", "StartTime=now")
    until(lambda: "going on from" in log.read_text(), "going on", 120)
    said("scancel", "--signal=USR2", number)
    out, _ = sweep.communicate(timeout=120)
    assert sweep.returncode == 1
    assert re.search(r"failed: strategy=gpt4 .*: its time \(hydra.launcher.timeout_min\) was over more often", out), out
    assert "Traceback" not in out


@pytest.mark.slow
def test_a_job_may_fit_on_several_devices_of_its_node(start, slurm, tmp_path):
    on_cpu = ["trainer.accelerator=cpu", "training.precision=32-true"]
    given = ["-m", "strategy=gpt4", *QUICK, *on_cpu, "trainer=ddp", "stage=[generate,finetune]", "logger=[]"]
    sweep = start(*given, *slurm, "hydra.launcher.cpus_per_task=2", store=tmp_path / "store")
    out, _ = sweep.communicate(timeout=280)
    assert sweep.returncode == 0, out
    assert len(list((tmp_path / "store").rglob("adapter_model.safetensors"))) == 1
