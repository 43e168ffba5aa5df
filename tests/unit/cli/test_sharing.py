"""How the workers of a sweep share a machine."""

import os

import pytest

from sppl.cli import sharing
from sppl.cli.sharing import claim_gpu, share_machine


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """Four cores and no settings."""
    for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", sharing.GPUS, sharing.SHARERS):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setattr(sharing, "_held", [])


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
        monkeypatch.setattr(sharing, "_held", [])  # another process
        claim_gpu(tmp_path)
        seen.append(os.environ["CUDA_VISIBLE_DEVICES"])
        locks.append(sharing._held)
    assert seen == ["4", "7", "4"]


@pytest.mark.parametrize(("jobs", "per_gpu", "at_once", "sharers"), [(12, 3, 6, "3"), (12, 1, 2, "1"), (4, 3, 4, "2")])
def test_several_jobs_may_share_a_gpu_and_its_memory(monkeypatch, jobs, per_gpu, at_once, sharers):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert share_machine(jobs, -1, "gpu", per_gpu) == at_once
    assert os.environ[sharing.SHARERS] == sharers


def test_a_process_keeps_its_gpu_and_without_gpus_nothing_is_claimed(monkeypatch, tmp_path):
    claim_gpu(tmp_path)
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    monkeypatch.setenv(sharing.GPUS, "0,1")
    claim_gpu(tmp_path)
    claim_gpu(tmp_path)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
