"""The README's own commands run."""

import re
import shlex

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

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


def words(text: str) -> tuple[list[str], list[float]]:
    """A text's words with every number as `#`, and the numbers."""
    return re.sub(NUMBER, "#", text).split(), [float(number) for number in re.findall(NUMBER, text)]


NUMBER = r"\d+(?:\.\d+)?"


def test_own_files_become_the_ranking_that_the_readme_shows(root, run_py):
    text = (root / "README.md").read_text()
    command, shown = re.search(r"<!-- own -->\n```bash\n([^\n]*)\n```\n\n```\n(.*?)\n```", text, re.DOTALL).groups()
    done = run_py(*shlex.split(command)[2:])
    assert done.code == 0, done.out
    out = re.sub(r" (store|reports)=\S+", "", done.out.replace(str(done.reports), "outputs/reports"))
    (got, numbers), (wanted, values) = words(out[out.index("my_task: benchmark local") :]), words(shown)
    assert len(wanted) >= 200
    assert got[: len(wanted)] == wanted
    assert numbers[: len(values)] == pytest.approx(values, rel=0.02, abs=1e-9)


def test_what_teachers_would_cost_is_said_as_the_readme_shows_and_nobody_is_asked(root, run_py, tmp_path):
    text = (root / "README.md").read_text()
    command, shown = re.search(r"<!-- dear -->\n```bash\n(.*)\n```\n\n```\n(.*)\n```", text).groups()
    done = run_py(*shlex.split(command)[2:], store=tmp_path / "empty")
    assert done.code == 0, done.out
    assert shown in done.out
    assert not (tmp_path / "empty").exists()


def test_the_readmes_teacher_is_one(root):
    (block,) = re.findall(r"```yaml\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)
    made = instantiate(OmegaConf.create(block))
    assert (made.name, made.prices, made.api_key_env) == ("my_teacher", (0.5, 1.5), "MY_KEY")


def test_the_readmes_recipes_are_those_there_are_in_their_own_words(root):
    text = (root / "README.md").read_text()
    rows = dict(re.findall(r"^\| (`[^|]*`) \| (.*) \|$", text[text.index("## Recipes") :], re.MULTILINE))
    told = {name: row for names, row in rows.items() for name in re.findall(r"`(\w+)`", names)}
    files = {path.stem for path in (root / "conf/strategy").glob("*.yaml")} - {"files"}
    assert set(told) == files
    alone = {name for names in rows if names.count("`") == 2 for name in re.findall(r"`(\w+)`", names)}
    for name in alone:
        summary = OmegaConf.load(root / f"conf/strategy/{name}.yaml").summary
        assert summary in told[name]
