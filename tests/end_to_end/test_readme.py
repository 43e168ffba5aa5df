"""The README's own commands run."""

import re
import shlex

import pytest
from hydra import compose, initialize_config_dir

from tests.conftest import QUICK

pytestmark = pytest.mark.filterwarnings("default")


def blocks(text: str) -> list[str]:
    return [line for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]


def test_set_up_is_two_commands(root):
    text = (root / "README.md").read_text()
    loop, tests = (re.search(rf"<!-- {mark} -->\n```bash\n(.*)\n```", text) for mark in ("loop", "tests"))
    assert loop is not None
    assert tests is not None
    assert loop[1] == "python -m pip install -c constraints.txt -e . && python run.py"
    assert tests[1] == "python -m pip install -c constraints.txt -e '.[test]' && python -m pytest"


def first_job(command: str) -> list[str]:
    """The overrides of a command, of a sweep those of its first job."""
    given = shlex.split(command.split("#")[0])[2:]
    swept = "-m" in given
    plain = [part for part in given if not part.startswith("-")]
    return [part if "[" in part or not swept else part.split(",")[0] for part in plain]


def test_every_command_of_the_readme_composes(root):
    commands = [line for line in blocks((root / "README.md").read_text()) if line.startswith("python run.py")]
    assert len(commands) >= 8
    with initialize_config_dir(str(root / "conf"), version_base="1.3"):
        for command in commands:
            assert compose("config", overrides=first_job(command)).name


def test_the_readmes_first_command_runs_and_prints_its_table(root, run_py):
    done = run_py(*QUICK)
    assert done.code == 0, done.out
    shown = (root / "README.md").read_text()
    for line in ("default: benchmark lab, target model lab", "What each metric foretold", "untrained"):
        assert line in done.out
        assert line in shown
