"""The README's own commands run, and it shows what they print."""

import re

import pytest
from hydra import compose, initialize_config_dir

from tests.conftest import QUICK, ROOT
from tests.pages import arguments, commands, first_job, marked, words

pytestmark = pytest.mark.filterwarnings("default")
README = ROOT / "README.md"


def test_set_up_is_two_commands():
    text = README.read_text()
    loop, tests = (re.search(rf"<!-- {mark} -->\n```bash\n(.*)\n```", text) for mark in ("loop", "tests"))
    assert loop is not None
    assert tests is not None
    assert loop[1] == "python -m pip install -c constraints.txt -e . && python run.py"
    assert tests[1] == "python -m pip install -c constraints.txt -e '.[test]' && python -m pytest"


def test_it_is_read_in_one_go():
    assert len(README.read_text().splitlines()) <= 130


def test_every_command_composes():
    found = commands(README)
    assert len(found) == 5
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        for command in found:
            assert compose("config", overrides=first_job(command)).name


@pytest.mark.parametrize("command", marked(README, "dry"))
def test_a_recipe_plans_its_work(command, run_py, tmp_path):
    done = run_py(*arguments(command), "dry=true", store=tmp_path / "empty")
    assert done.code == 0, done.out
    assert "to make: " in done.out
    assert not (tmp_path / "empty").exists()


def table() -> str:
    (shown,) = re.findall(r"<!-- table -->\n```\n(.*?)\n```", README.read_text(), re.DOTALL)
    return shown


def test_the_first_command_runs_prints_its_table_and_explains_a_number(run_py):
    done = run_py(*QUICK)
    assert done.code == 0, done.out
    for line in ("default: benchmark lab, target model lab", "accuracy", "untrained"):
        assert line in done.out
        assert line in table()
    shown = headings(table())
    assert shown
    assert headings(done.out)[: len(shown)] == shown
    (given,) = re.findall(r"`python run\.py (explain=\S+)`", README.read_text())
    chain = run_py(given)
    assert chain.code == 0, chain.out
    assert "questions of lab" in chain.out
    assert "adapters/lab/lab/gpt4/" in chain.out


def headings(text: str) -> list[list[str]]:
    """The words in the heading of each table."""
    return [re.findall(r"[^┃\s]+", line) for line in text.splitlines() if line.startswith("┃")]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_first_command_prints_the_table_that_is_shown(run_py, tmp_path):
    done = run_py(store=tmp_path / "fresh")
    assert done.code == 0, done.out
    out = done.out.replace(str(done.reports), "outputs/reports")
    (got, numbers), (wanted, values) = words(out[out.index("Too close to call") :]), words(table())
    assert len(wanted) >= 100
    assert got[: len(wanted)] == wanted
    assert numbers[: len(values)] == pytest.approx(values, rel=0.02, abs=0.03)
