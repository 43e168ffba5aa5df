from dataclasses import replace
from types import SimpleNamespace

import pytest

from sppl.artifacts.store import Store
from tests.conftest import QUICK, ROOT


@pytest.fixture
def stage(monkeypatch):
    """Calls one stage function with the lab's configuration: `stage("score", store, "strategy=[gpt4]")`."""
    from hydra import compose, initialize_config_dir

    from sppl.cli.running import stage_call

    monkeypatch.chdir(ROOT)

    def call(name: str, store: Store, *overrides: str, **further: object):
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            cfg = compose("config", overrides=[*QUICK, *overrides])
        job = ("python run.py", *QUICK, *overrides)
        return stage_call(cfg, name)(store=replace(store, job=job), **further)

    return call


@pytest.fixture
def lab(monkeypatch) -> SimpleNamespace:
    """The lab's benchmark and target."""
    from sppl.benchmarks.definition import Benchmark
    from sppl.lab.source import LabQuestions, LabTeacher
    from sppl.models.target import TargetModel

    monkeypatch.chdir(ROOT)
    benchmark = Benchmark("lab", LabQuestions(), LabTeacher(), task="lab", max_new_tokens=200)
    return SimpleNamespace(benchmark=benchmark, target=TargetModel("lab", "lab"))


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def made(shared_store) -> Store:
    """The store the tests share."""
    return Store(str(shared_store))
