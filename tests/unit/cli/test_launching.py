"""What a launcher is given, by what its file says of where jobs run."""

import os
import subprocess
import sys
import time

import joblib
import psutil
import pytest

from sppl.cli.launching import adapt, check_launcher, make_importable, report_dead_workers
from sppl.packaged import PACKAGE
from sppl.schemas import UserError


@pytest.fixture(autouse=True)
def four_cores(monkeypatch):
    for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "SPPL_GPUS", "SPPL_SHARERS", "PYTHONPATH"):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})


@pytest.mark.parametrize(("size", "at_once"), [(None, 6), (5, 5)])
def test_a_launcher_that_says_nothing_gets_all_jobs_or_as_many_as_the_user_wants(size, at_once):
    assert adapt({"_target_": "any.Launcher"}, 6, size, "cpu") == ({"_target_": "any.Launcher"}, at_once)


def test_a_pool_gets_all_jobs_and_as_many_workers_as_the_machine_takes_whatever_its_class_is_called():
    given = {"_target_": "own.Workers", "_runs_in_": "pool", "n_jobs": -1, "per_gpu": 1}
    assert adapt(given, 6, None, "cpu") == ({"_target_": "own.Workers", "n_jobs": 4}, 6)
    assert given["per_gpu"] == 1


def test_what_starts_all_it_gets_at_once_gets_as_many_as_the_machine_takes():
    assert adapt({"_target_": "own.Starter", "_runs_in_": "batches"}, 6, None, "cpu") == (
        {"_target_": "own.Starter"},
        4,
    )
    assert adapt({"_target_": "own.Starter", "_runs_in_": "batches"}, 6, 2, "cpu")[1] == 2


def test_a_word_that_is_none_is_refused_with_those_there_are():
    with pytest.raises(UserError, match=r"hydra\.launcher\._runs_in_=cloud: there are pool, batches, queue"):
        adapt({"_runs_in_": "cloud"}, 6, None, "cpu")


def test_a_launcher_whose_package_is_there_is_no_objection():
    assert check_launcher("hydra._internal.core_plugins.basic_launcher.BasicLauncher") == ""
    assert "hydra_plugins.nowhere.Launcher is not installed" in check_launcher("hydra_plugins.nowhere.Launcher")


def test_workers_find_the_package_before_anything_else_and_once(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    make_importable()
    make_importable()
    assert os.environ["PYTHONPATH"].split(os.pathsep) == [str(PACKAGE.parent), "elsewhere"]


def test_a_launcher_that_lost_a_worker_says_so_and_waits_for_no_process_that_ended(caplog):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    with report_dead_workers():
        raise RuntimeError("a worker\nwas killed")
    ended.wait()
    assert "the launcher lost a job: a worker was killed" in caplog.text


def test_a_mistake_of_a_job_is_not_taken_for_a_lost_worker():
    with pytest.raises(ValueError, match="wrong"), report_dead_workers():
        raise ValueError("wrong")


def test_a_worker_that_joblib_starts_anew_for_its_memory_is_not_reported_as_lost(recwarn):
    def grow(number: int) -> int:
        setattr(sys, f"kept{number}", bytearray(400 * 2**20))
        time.sleep(1.1)  # joblib looks at a worker's memory once a second
        return os.getpid()

    with report_dead_workers():
        workers = joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(grow)(number) for number in range(6))
    assert len(set(workers)) > 2  # one was started anew, or this shows nothing
    assert not recwarn.list
