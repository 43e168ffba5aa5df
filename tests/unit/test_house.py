"""The rules of the house: lint, types, layers, and what lies at the top."""

import subprocess
import sys
from collections import Counter

import pytest

TOP = {
    "run.py",
    "setup.py",
    "conf",
    "docs",
    "sppl",
    "experiments",
    "tests",
    "outputs",
    "pyproject.toml",
    "constraints.txt",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "hydra_plugins",
}


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["pyright"],
        [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports_command as c; sys.exit(c())"],
    ],
    ids=["ruff", "format", "pyright", "layers"],
)
def test_the_tools_find_nothing(root, command):
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_else_lies_at_the_top(root):
    tracked = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout
    top = {line.split("/")[0] for line in tracked.splitlines()}
    assert {name for name in top if not name.startswith(".")} == TOP


def test_files_stay_short(root):
    long = {path: len(path.read_text().splitlines()) for path in root.glob("sppl/**/*.py")}
    assert {str(path.relative_to(root)): lines for path, lines in long.items() if lines > 400} == {}


def test_no_two_test_files_share_a_name(root):
    names = Counter(path.name for path in root.glob("tests/**/test_*.py"))
    assert [name for name, times in names.items() if times > 1] == []  # pytest could not import the second


def test_no_two_modules_share_a_name(root):
    names = Counter(path.name for path in root.glob("sppl/**/*.py"))
    assert [name for name, times in names.items() if times > 1 and name != "__init__.py"] == []
