import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # one test process per core: threads would only get in each other's way
os.environ["WANDB_MODE"] = "offline"

ROOT = Path(__file__).parents[1]
QUICK = ["n_train=24", "n_test=8", "n_score=6", "n_predict=12", "training.epochs=1"]
"""A loop that takes seconds."""


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.stem.endswith("_gpu"):
            item.add_marker("gpu")


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory) -> Path:
    """A store that the tests share, so that each finds what the ones before made."""
    return tmp_path_factory.mktemp("store")


def arguments(folder: Path, store: Path, *given: str) -> list[str]:
    """The given arguments, with everything written below the test's own folder."""
    places = [f"store={store}", f"reports={folder}/reports"]
    number = len(list(folder.glob("run*")))
    return [*given, *places, f"hydra.run.dir={folder}/run{number}", f"hydra.sweep.dir={folder}/sweep"]


@pytest.fixture
def run_py(tmp_path, shared_store, monkeypatch, capfd):
    """Runs `python run.py ...` inside this process; returns `code`, `out` and `reports`."""
    from sppl.cli.main import main

    monkeypatch.delenv("COLUMNS", raising=False)  # pytest's own, by which tables would be 80 wide

    def call(*given: str, store: Path | None = None) -> SimpleNamespace:
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "argv", ["run.py", *arguments(tmp_path, store or shared_store, *given)])
        try:
            code, sentence = main(), ""
        except SystemExit as stop:  # with a sentence Python prints it and ends with 1
            code, sentence = (1, stop.code) if isinstance(stop.code, str) else (stop.code, "")
        said = capfd.readouterr()
        return SimpleNamespace(code=code, out=said.out + said.err + sentence, reports=tmp_path / "reports")

    return call


@pytest.fixture
def start(tmp_path, shared_store):
    """Starts `python run.py ...` as a process of its own."""

    def call(*given: str, store: Path | None = None, folder: Path | None = None) -> subprocess.Popen:
        argv = arguments(folder or tmp_path, store or shared_store, *given)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen([sys.executable, "run.py", *argv], cwd=ROOT, **pipes)

    return call


@pytest.fixture
def shown(record_property):
    """Takes a text that the summary at the end of the run shows, whichever process the test ran in."""
    return lambda text: record_property("shown", text)


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "shown":
                terminalreporter.section(report.nodeid.rpartition("::")[2])
                terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def scoring_server(tmp_path_factory):
    """Gives the address and the log of a new server that scores; one process stands for all of them."""
    from tests.servers.running import scoring

    with scoring(tmp_path_factory.mktemp("scoring")) as new:
        yield new
