"""What only whole processes show: start-up, keys on the command line, kills, two runs at once."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import QUICK, ROOT


def finished(process: subprocess.Popen) -> str:
    out, _ = process.communicate(timeout=250)
    assert process.returncode == 0, out
    return out


def test_help_and_the_configuration_need_nothing_heavy():
    light = (
        "import sys, runpy; sys.argv = ['run.py', '{}', 'job']\n"
        "try: runpy.run_path('run.py', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "heavy = {{'torch', 'transformers', 'pytorch_lightning', 'pandas', 'datasets', 'lm_eval'}} & set(sys.modules)\n"
        "print('HEAVY', sorted(heavy))"
    )
    for flag in ("--help", "--cfg"):
        code = light.format(flag) if flag == "--cfg" else light.format(flag).replace(", 'job'", "")
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert "HEAVY []" in done.stdout
    assert "_target_: sppl.stages.score.score" in done.stdout


@pytest.mark.filterwarnings("default")
def test_a_command_that_finds_everything_loads_no_torch(run_py, shared_store, tmp_path):
    command = [*QUICK, "strategy=[gpt4,claude]", "name=found"]
    assert run_py(*command).code == 0
    argv = ["run.py", *command, f"store={shared_store}", f"reports={tmp_path}", f"hydra.run.dir={tmp_path}/again"]
    light = (
        f"import sys, runpy; sys.argv = {argv}; sys.path.insert(0, '.')\n"
        "try: runpy.run_path('run.py', run_name='__main__')\n"
        "except SystemExit as stop: print('STATUS', stop.code)\n"
        "print('HEAVY', sorted({'torch', 'transformers', 'pytorch_lightning', 'lm_eval'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", light], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "STATUS 0\nHEAVY []" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("argument", ["+teacher.api_key=abc", "name=sk-" + "x" * 20, "logger.wandb.token=1234"])
def test_an_argument_that_looks_like_a_key_is_refused_before_anything_is_written(argument, tmp_path):
    folders = [f"hydra.run.dir={tmp_path}/run"]
    done = subprocess.run(
        [sys.executable, "run.py", argument, *folders], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "looks like a key" in done.stderr
    assert "api_key_env" in done.stderr
    assert not (tmp_path / "run").exists()


def test_an_unknown_option_is_answered_with_the_choices():
    done = subprocess.run(
        [sys.executable, "run.py", "benchmark=nope"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert re.search(r"there is no benchmark `nope`\. There are: .*\blab\b", done.stderr)
    assert "Traceback" not in done.stderr


def test_two_runs_of_the_same_command_at_once_make_everything_once_and_end_with_the_same_table(start, tmp_path):
    stages = "stage=[generate,predict,score,rank,finetune,benchmark,report]"
    runs = [
        start(
            *QUICK,
            stages,
            "strategy=[gpt4,claude]",
            "verbose=true",
            f"name=twin{n}",
            store=tmp_path / "store",
            folder=tmp_path / str(n),
        )
        for n in range(2)
    ]
    said = [finished(run) for run in runs]
    tables = [(tmp_path / str(n) / "reports" / f"twin{n}" / "table.csv").read_bytes() for n in range(2)]
    assert tables[0] == tables[1]
    made = re.findall(r"sppl\.artifacts\.store: (\S+): (?:\d+ rows|[\d.]+ MB)", "".join(said))
    assert len(made) == len(set(made))
    assert {Path(name).parts[0] for name in made} >= {"responses", "predictions", "token_stats", "adapters", "results"}
