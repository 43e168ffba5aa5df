"""A job that finds a shared artifact in progress goes on with its own work and comes back for it."""

import multiprocessing
import time

import pytest
from filelock import FileLock

from sppl.artifacts.store import InProgress, Store
from tests.conftest import QUICK

pytestmark = pytest.mark.filterwarnings("default")


def _hold(root, held, done):
    store = Store(root)
    with store.making(store.artifact_id("predictions", "b", "t", "n1", settings={})):
        held.set()
        done.wait(60)


def test_a_store_that_does_not_wait_says_what_is_in_progress(tmp_path):
    store = Store(str(tmp_path))
    artifact = store.artifact_id("predictions", "b", "t", "n1", settings={})
    fork = multiprocessing.get_context("spawn")
    held, done = fork.Event(), fork.Event()
    other = fork.Process(target=_hold, args=(str(tmp_path), held, done))
    other.start()
    try:
        assert held.wait(60)
        with pytest.raises(InProgress, match="predictions/b/t/n1"), Store(str(tmp_path), wait=False).making(artifact):
            pass
    finally:
        done.set()
        other.join()


def test_a_job_trains_while_another_makes_the_predictions_it_needs(run_py, start, tmp_path):
    store = tmp_path / "store"
    few = [*QUICK, "strategy=[gpt4]", "stage=[generate,predict,score,finetune]", "metric=[sppl]", "logger=[]"]
    planned = run_py(*few, "dry=true", store=store).out
    name = next(word.strip(" ()") for word in planned.split() if "predictions/lab" in word)
    path = store / f"{name}.parquet.lock"
    path.parent.mkdir(parents=True)
    with FileLock(path):  # as another job that predicts
        job = start(*few, store=store)
        end = time.monotonic() + 200
        while time.monotonic() < end and job.poll() is None and not list(store.glob("adapters/**/model.safetensors")):
            time.sleep(0.2)
        assert list(store.glob("adapters/**/model.safetensors"))
        assert not list(store.glob("predictions/**/*.parquet"))
    out, _ = job.communicate(timeout=200)
    assert job.returncode == 0, out
    assert f"another process is making {name}; going on with other work meanwhile" in out
    assert list(store.glob("token_stats/**/*.parquet"))
