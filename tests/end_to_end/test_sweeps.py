"""Sweeps: what a repeated command starts, and the same table whatever starts the jobs."""

import json
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
import psutil
import pytest

from tests.conftest import QUICK, ROOT

pytestmark = pytest.mark.filterwarnings("default")


def records(sweep: Path) -> dict[str, str]:
    return {path.parent.name: json.loads(path.read_text())["status"] for path in sorted(sweep.glob("*/job.json"))}


def test_the_same_sweep_again_starts_only_what_is_missing_and_leaves_every_folder_as_it_was(run_py, tmp_path):
    command = ["-m", "strategy=gpt4,gpt4_examples", *QUICK, "name=again"]
    first = run_py(*command)
    assert first.code == 1
    assert records(tmp_path / "sweep") == {"0": "done", "1": "failed"}
    table = (first.reports / "again" / "table.csv").read_bytes()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("sweep/*/*")}
    again = run_py(*command)
    assert again.code == 1
    assert "sweep: 1 of 2 jobs are done already, 1 to start" in again.out
    assert records(tmp_path / "sweep") == {"0": "done", "1": "failed", "2": "done", "3": "failed"}
    assert not (tmp_path / "sweep" / "2" / "run.log").exists()  # it was not started
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (again.reports / "again" / "table.csv").read_bytes() == table


def test_a_sweep_whose_jobs_are_all_done_starts_none_and_ends_with_the_same_table(run_py, tmp_path):
    command = ["-m", "strategy=gpt4,claude", *QUICK, "name=whole"]
    first = run_py(*command)
    table = (first.reports / "whole" / "table.csv").read_bytes()
    again = run_py(*command)
    assert (first.code, again.code) == (0, 0), again.out
    assert "sweep: 2 of 2 jobs are done already, 0 to start" in again.out
    assert (again.reports / "whole" / "table.csv").read_bytes() == table
    dry = run_py(*command, "dry=true")
    assert dry.out.count("benchmark: found 4, nothing to make") == 2  # a dry run says it of every job


def test_a_sweep_over_what_a_ranking_depends_on_has_rows_per_setting(run_py, tmp_path):
    stages = "stage=[generate,predict,score,rank,report]"
    made = run_py("-m", "strategy=[gpt4,claude]", stages, *QUICK, "n_score=4,6", "name=sizes", store=tmp_path / "store")
    assert made.code == 0, made.out
    table = pd.read_csv(made.reports / "sizes" / "table.csv")
    assert table.groupby("benchmark", sort=False)["strategy"].agg(set).to_dict() == {
        f"lab with n_score={n}": {"gpt4", "claude"} for n in (4, 6)
    }
    page = (made.reports / "sizes" / "index.html").read_text()
    for n in (4, 6):
        assert f"benchmark lab with n_score={n}, target model lab" in made.out
        assert f"lab with n_score={n}" in page
        assert re.search(rf"python run\.py .*n_score={n} .*n_train=all", made.out)


@pytest.mark.parametrize(
    ("launcher", "stages"),
    [
        ("joblib", ["stage=[predict,score,rank,report]"]),
        pytest.param("joblib", [], marks=pytest.mark.slow),
        pytest.param("submitit_local", [], marks=pytest.mark.slow),
    ],
)
def test_other_launchers_give_the_same_table_as_the_basic_one_and_warn_of_nothing(run_py, tmp_path, launcher, stages):
    command = ["-m", "strategy=gpt4,claude,rewrite", *stages, *QUICK, "logger=[]"]
    one = run_py(*command, "name=basic", store=tmp_path / "basic")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*ConfigStore")
        other = run_py(*command, f"name={launcher}", f"hydra/launcher={launcher}", store=tmp_path / "store")
    assert "ConfigStore" not in other.out
    assert (one.code, other.code) == (0, 0), other.out
    tables = [pd.read_csv(other.reports / name / "table.csv") for name in ("basic", launcher)]
    pd.testing.assert_frame_equal(tables[0], tables[1])


@pytest.mark.parametrize("strategy", [[], ["trainer.strategy=ddp"]])
def test_devices_on_which_lightning_would_start_the_whole_sweep_again_are_refused(run_py, tmp_path, strategy):
    refused = run_py("-m", "strategy=gpt4,claude", *QUICK, "trainer.devices=2", *strategy)
    assert "would start this whole command on every device, with -m the whole sweep" in refused.out
    assert "take trainer=ddp (or trainer=fsdp) trainer.devices=2" in refused.out
    assert not (tmp_path / "sweep").exists()


def test_more_machines_for_one_job_are_refused_and_a_sweep_over_machines_is_named(run_py):
    refused = run_py(*QUICK, "trainer=ddp", "+trainer.lightning.num_nodes=2")
    assert re.search(
        r"python run\.py -m .*n_train=24 .*strategy=gpt4,claude seed=0,1 hydra/launcher=slurm", refused.out
    )


def test_a_launcher_that_is_not_installed_is_refused_with_the_line_that_installs_it(run_py, tmp_path):
    refused = run_py("-m", *QUICK, "strategy=gpt4,claude", "hydra.launcher._target_=hydra_plugins.not_there.Launcher")
    assert "hydra_plugins.not_there.Launcher is not installed" in refused.out
    assert "-e '.[slurm]'" in refused.out
    assert not (tmp_path / "sweep").exists()


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_workers_find_the_command_wherever_it_is_typed(tmp_path, monkeypatch, launcher):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    given = ["strategy=gpt4,claude", "stage=[generate]", *QUICK, "logger=[]", f"hydra/launcher={launcher}"]
    command = [sys.executable, str(ROOT / "run.py"), "-m", *given]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((tmp_path / "outputs" / "store").rglob("*.parquet"))) == 2


@pytest.mark.slow
@pytest.mark.parametrize(("launcher", "worker"), [("joblib", "loky.backend"), ("submitit_local", "core._submit")])
def test_a_worker_that_is_killed_is_a_gap_and_the_same_command_makes_what_is_missing(
    run_py, start, tmp_path, launcher, worker
):
    command = ["-m", "strategy=gpt4,claude", *QUICK, "logger=[]", f"name={launcher}", f"hydra/launcher={launcher}"]
    sweep = start(*command, store=tmp_path / "store")
    end = time.monotonic() + 100
    while sorted(records(tmp_path / "sweep").values()) != ["interrupted"] * 2:
        assert time.monotonic() < end
        time.sleep(0.1)
    workers = [one for one in psutil.Process(sweep.pid).children(recursive=True) if worker in " ".join(one.cmdline())]
    max(workers, key=lambda one: one.create_time()).kill()
    out, _ = sweep.communicate(timeout=200)
    assert sweep.returncode == 1
    assert "the launcher lost a job" in out
    assert "Traceback" not in out
    assert "it was stopped before its end; its run.log says how far it came" in out
    if launcher == "submitit_local":
        assert sorted(records(tmp_path / "sweep").values()) == ["done", "interrupted"]
    again = run_py(*command, store=tmp_path / "store")
    assert again.code == 0, again.out
    assert set(pd.read_csv(again.reports / launcher / "table.csv")["strategy"]) == {"gpt4", "claude", "untrained"}
