"""How workers share a machine."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest

from sppl import launching
from sppl.launching import batches, claim_gpu, share_machine, workers_may_die


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """Four cores and no settings."""
    for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", launching.GPUS, launching.SHARERS):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setattr(launching, "_held", [])


@pytest.mark.parametrize(
    ("n_jobs", "wanted", "at_once", "threads"), [(9, -1, 4, "1"), (2, -1, 2, "2"), (9, 2, 2, "2"), (1, 8, 1, "4")]
)
def test_workers_share_the_cores(n_jobs, wanted, at_once, threads):
    assert share_machine(n_jobs, wanted, "cpu") == at_once
    assert os.environ["OMP_NUM_THREADS"] == threads


def test_a_number_of_threads_the_user_set_stays(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    share_machine(2, -1, "cpu")
    assert os.environ["OMP_NUM_THREADS"] == "3"


def test_every_worker_has_a_gpu_of_its_own_and_the_third_of_two_shares_the_first(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    assert share_machine(9, -1, "gpu") == 2
    seen, locks = [], []
    for _ in range(3):
        monkeypatch.setattr(launching, "_held", [])  # another process
        claim_gpu(tmp_path)
        seen.append(os.environ["CUDA_VISIBLE_DEVICES"])
        locks.append(launching._held)
    assert seen == ["4", "7", "4"]


@pytest.mark.parametrize(("jobs", "per_gpu", "at_once", "sharers"), [(12, 3, 6, "3"), (12, 1, 2, "1"), (4, 3, 4, "2")])
def test_several_jobs_may_share_a_gpu_and_its_memory(monkeypatch, jobs, per_gpu, at_once, sharers):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert share_machine(jobs, -1, "gpu", per_gpu) == at_once
    assert os.environ[launching.SHARERS] == sharers


def test_a_process_keeps_its_gpu_and_without_gpus_nothing_is_claimed(monkeypatch, tmp_path):
    claim_gpu(tmp_path)
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    monkeypatch.setenv(launching.GPUS, "0,1")
    claim_gpu(tmp_path)
    claim_gpu(tmp_path)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"


def test_jobs_come_in_batches_only_where_the_launcher_would_start_too_many_at_once():
    class LocalLauncher: ...

    class JoblibLauncher(SimpleNamespace): ...

    jobs = list(range(6))
    assert batches(jobs, SimpleNamespace(), None, "cpu") == [jobs]
    assert batches(jobs, SimpleNamespace(), 5, "cpu") == [jobs[:5], jobs[5:]]
    assert batches(jobs, LocalLauncher(), None, "cpu") == [jobs[:4], jobs[4:]]
    joblib = JoblibLauncher(joblib={"n_jobs": -1, "per_gpu": 1})
    assert batches(jobs, joblib, None, "cpu") == [jobs]
    assert joblib.joblib == {"n_jobs": 4}
    assert batches([], joblib, None, "cpu") == []


def test_a_launcher_that_lost_a_worker_says_so_and_waits_for_no_process_that_ended(caplog):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    with workers_may_die():
        raise RuntimeError("a worker\nwas killed")
    ended.wait()
    assert "the launcher lost a job: a worker was killed" in caplog.text


def test_a_mistake_of_a_job_is_not_taken_for_a_lost_worker():
    with pytest.raises(ValueError, match="wrong"), workers_may_die():
        raise ValueError("wrong")
