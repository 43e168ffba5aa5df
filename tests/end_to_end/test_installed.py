"""The package away from its checkout, and the command away from its folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import QUICK, ROOT

LEAF = re.compile(r"\w+/[\w/]+-[0-9a-f]{8}")


def planned(program: list[str], folder: Path, *given: str, **env: str) -> list[str]:
    """The names of artifacts that a dry run in this folder would make."""
    command = [*program, "dry=true", f"hydra.run.dir={folder}/planned", *given]
    environment = {**os.environ, **env}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return LEAF.findall(done.stdout + done.stderr)


def test_the_command_plans_the_same_names_wherever_it_is_typed(tmp_path):
    here = planned([sys.executable, "run.py"], ROOT, f"hydra.run.dir={tmp_path}/here", f"store={tmp_path}/store")
    there = planned([sys.executable, str(ROOT / "run.py")], tmp_path)
    assert here == there
    assert any(name.startswith("predictions/lab/lab/n100-") for name in there)
    assert not (tmp_path / "outputs").exists()


def test_the_papers_records_are_found_wherever_the_command_is_typed(tmp_path):
    there = planned([sys.executable, str(ROOT / "run.py")], tmp_path, "experiment=paper")
    assert [name.partition("/")[0] for name in there] == ["rankings"]


def test_a_relative_path_is_one_from_where_it_was_typed(tmp_path):
    (tmp_path / "mine").symlink_to(ROOT / "experiments" / "own_task" / "data")
    given = ["benchmark=local", "data_dir=mine", "benchmark.answer=number", "n_predict=40", "stage=[predict]"]
    assert len(planned([sys.executable, str(ROOT / "run.py")], tmp_path, *given)) == 1


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with the wheel of a clean clone installed in it."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    for command in (
        ["git", "clone", "-q", str(ROOT), str(folder / "clone")],
        [*pip, "wheel", "--no-deps", "--no-build-isolation", str(folder / "clone"), "-w", str(folder)],
        [*pip, "install", "--no-deps", "--target", str(folder / "site"), "--find-links", str(folder), "--no-index",
         "self-aligned-perplexity"],
    ):  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


@pytest.mark.slow
def test_a_wheel_installed_elsewhere_runs_the_whole_loop_from_an_empty_folder(installed, tmp_path):
    def run(*words: str) -> str:
        done = subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=False,
                              env={**os.environ, "PYTHONPATH": str(installed)})  # fmt: skip
        return f"{done.stdout}{done.stderr}STATUS {done.returncode}"

    sppl = str(installed / "bin" / "sppl")
    assert run("-c", "import sppl; print(sppl.__file__)").startswith(str(installed))
    looped = run(sppl, *QUICK, "strategy=[gpt4,claude]", "logger=[csv]")
    assert looped.endswith("STATUS 0"), looped
    table = pd.read_csv(tmp_path / "outputs" / "reports" / "default" / "table.csv")
    assert set(table["strategy"]) == {"gpt4", "claude", "untrained"}
    swept = run("-m", "sppl", "-m", "strategy=gpt4,claude", *QUICK, "logger=[]", "name=swept")
    assert swept.endswith("STATUS 0"), swept
    again = (tmp_path / "outputs" / "reports" / "swept" / "table.csv").read_bytes()
    assert again == (tmp_path / "outputs" / "reports" / "default" / "table.csv").read_bytes()
    assert "  sppl -m strategy=gpt4,claude,rewrite" in run(sppl, "--help")
    missing = run(sppl, "stage=[score]", "n_score=7", "n_predict=7")
    assert "make them: sppl 'stage=[predict]'" in missing, missing
    assert "comes with a checkout of the project" in run(sppl, "experiment=paper")
    checkout = planned([sys.executable, "run.py"], ROOT, f"hydra.run.dir={tmp_path}/x", f"store={tmp_path}/empty")
    assert planned([sys.executable, sppl], tmp_path, "store=empty", PYTHONPATH=str(installed)) == checkout


@pytest.mark.slow
def test_the_wheel_says_that_it_is_typed_and_under_which_licence(installed):
    assert (installed / "sppl" / "py.typed").exists()
    (facts,) = installed.glob("self_aligned_perplexity-*.dist-info")
    assert "License-Expression: Apache-2.0" in (facts / "METADATA").read_text()
    assert (facts / "licenses" / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
