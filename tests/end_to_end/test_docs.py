"""The commands and examples of docs/ run, or plan what they would do, and the pages show what they print."""

import contextlib
import io
import os
import re
import subprocess
import sys

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from sppl.cli.app import drop_launcher_schemas
from tests.conftest import QUICK, ROOT
from tests.pages import GUIDES, arguments, commands, first_job, marked, shown_below, words, write_files

pytestmark = pytest.mark.filterwarnings("default")
DOCS = ROOT / "docs"
RECIPES = DOCS / "recipes.md"
WITH_COMMANDS = [page for page in GUIDES if commands(page)]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_every_command_of_a_page_composes(page, tmp_path, monkeypatch):
    write_files(page, tmp_path)
    monkeypatch.chdir(tmp_path)
    drop_launcher_schemas()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        for command in commands(page):
            given = [one for one in first_job(command) if not one.startswith(("explain=", "compare="))]
            overrides = ["benchmark=local" if one == "check" else one for one in given]
            assert compose("config", overrides=overrides).name


def test_most_pages_have_commands():
    assert len(WITH_COMMANDS) >= 7
    assert sum(len(commands(page)) for page in WITH_COMMANDS) >= 25


PLANNED = [(page, command) for page in GUIDES for command in marked(page, "dry") if page != RECIPES]


@pytest.mark.parametrize(("page", "command"), PLANNED, ids=lambda value: getattr(value, "stem", ""))
def test_a_command_that_only_plans_plans(page, command, run_py, tmp_path):
    done = run_py(*arguments(command), store=tmp_path / "empty")
    assert done.code == 0, done.out
    assert "to make: " in done.out
    assert not (tmp_path / "empty").exists()


def test_own_files_become_the_ranking_that_is_shown(run_py):
    command, shown = shown_below(DOCS / "own_data.md", "own")
    done = run_py(*arguments(command))
    assert done.code == 0, done.out
    out = re.sub(r" (store|reports)=\S+", "", done.out.replace(str(done.reports), "outputs/reports"))
    (got, numbers), (wanted, values) = words(out[out.index(shown.partition("\n")[0]) :]), words(shown)
    assert len(wanted) >= 200
    assert got[: len(wanted)] == wanted
    assert numbers[: len(values)] == pytest.approx(values, rel=0.02, abs=1e-9)


def test_own_files_are_looked_at_as_shown(run_py, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    command, shown = shown_below(DOCS / "own_data.md", "check")
    done = run_py(*arguments(command), store=tmp_path / "empty")
    assert done.code == 0, done.out
    out = re.sub(r" (?:store|reports|hydra\.\w+\.dir)=\S+", "", done.out)
    assert out.strip() == shown


def test_what_teachers_would_cost_is_said_as_shown_and_nobody_is_asked(run_py, tmp_path):
    command, shown = shown_below(DOCS / "teachers.md", "dear")
    done = run_py(*arguments(command), store=tmp_path / "empty")
    assert done.code == 0, done.out
    assert shown in done.out
    assert not (tmp_path / "empty").exists()


def test_the_strategies_are_those_there_are_in_their_own_words():
    text = RECIPES.read_text()
    rows = dict(re.findall(r"^\| (`[^|]*`) \| (.*) \|$", text, re.MULTILINE))
    told = {name: row for names, row in rows.items() for name in re.findall(r"`(\w+)`", names)}
    files = {path.stem for path in (ROOT / "conf/strategy").glob("*.yaml")} - {"files"}
    assert set(told) == files
    alone = {name for names in rows if names.count("`") == 2 for name in re.findall(r"`(\w+)`", names)}
    for name in alone:
        assert OmegaConf.load(ROOT / f"conf/strategy/{name}.yaml").summary in told[name]


def test_the_metrics_are_those_there_are_with_the_direction_they_have():
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| (lower|higher|none) \|", (DOCS / "metrics.md").read_text(), re.MULTILINE)
    words_of = {True: "higher", False: "lower", None: "none"}
    files = [path for path in (ROOT / "conf/metric").glob("*.yaml") if path.stem != "all"]
    assert dict(rows) == {path.stem: words_of[OmegaConf.load(path).get("higher_is_better")] for path in files}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder of one's own with the files that the page of recipes shows."""
    folder = tmp_path_factory.mktemp("own")
    assert len(write_files(RECIPES, folder)) == 5
    (folder / "experiments").symlink_to(ROOT / "experiments")
    return folder


def typed(folder, command: str, *more: str) -> str:
    """What a command prints that is typed in the folder."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([".", str(ROOT)])}
    call = [sys.executable, str(ROOT / "run.py"), *arguments(command), *more]
    done = subprocess.run(call, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_strategy_shown_is_planned_with_its_price(workplace):
    (command,) = marked(RECIPES, "dry")
    assert re.search(r"brief \(50 requests to gpt_4o, .* for about \$0\.\d\d\)", typed(workplace, command))


def test_the_metric_shown_ranks(workplace):
    command, _ = marked(RECIPES, "run")
    out = typed(workplace, command, *QUICK)
    assert "worst_token" in re.findall(r"[^┃\s]+", next(line for line in out.splitlines() if line.startswith("┃")))
    assert "Of 2 metrics with a direction" in " ".join(out.split())


def test_the_answer_rule_shown_judges(workplace):
    _, command = marked(RECIPES, "run")
    out = typed(workplace, command, "verbose=true")
    assert re.search(r"verdicts/local/my_task-[0-9a-f]{8}/lab/n40", out)
    assert re.search(r"^(Train on|Too close to call:) .*\(local / lab\)", out, re.MULTILINE)


def test_the_python_examples_run_one_after_the_other_and_print_what_is_shown():
    page = (DOCS / "python.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", page, re.DOTALL)
    names: dict[str, object] = {}
    compared = 0
    for code, shown in blocks:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(code, names)
        (got, numbers), (wanted, values) = words(out.getvalue()), words(shown)
        assert got == wanted
        assert numbers == pytest.approx(values, rel=0.02)
        compared += bool(shown)
    assert compared >= 5
