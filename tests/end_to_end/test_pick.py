"""experiment=pick ends with a strategy, how sure that is, and a command that makes the whole training set with it."""

import json
import re
import shlex
from collections import Counter

import pandas as pd
import pytest

from tests.servers.running import faulty

pytestmark = pytest.mark.filterwarnings("default")
SMALL = ["experiment=pick", "n_predict=12", "n_score=8", "metric=[sppl,perplexity]", "scorer.first=4", "scorer.then=4"]
PICK = r"(?:.*\n)*?(?:Train on|Too close to call:) (\w+).*?(?:, runner-up| or) (\w+)"


def following(out):
    """The arguments of the command that the output ends with."""
    *_, line = (line.strip() for line in out.splitlines() if line.startswith("  python run.py"))
    return shlex.split(line)[2:]


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def asked(log):
    return Counter(line for line in log.read_text().splitlines() if line.startswith("asked"))


def test_the_printed_command_makes_the_full_set_and_asks_nobody_twice(run_py, root, tmp_path):
    task = ["benchmark=local", "benchmark.answer=number", f"data_dir={root}/experiments/own_task/data"]
    teachers = ["benchmark.respond=teacher", "strategy=[gpt4,step_by_step]", "teacher.server.model=m"]
    teachers += ["teacher.server.input_price=2.0", "teacher.server.backoff=0.01"]
    for name in ("gpt4", "step_by_step"):
        teachers += [f"strategy.{name}.teacher=server", f"strategy.{name}.tries=1"]
    log, out = tmp_path / "server.log", tmp_path / "exports"
    with faulty(log, "500") as url:
        where = [f"teacher.server.base_url={url}/v1", f"exports={out}"]
        done = run_py(*SMALL, *task, *teachers, *where, store=tmp_path / "own")
        assert done.code == 0, done.out
        sample = asked(log)
        assert sum(sample.values()) == 2 + 16
        spent = pd.read_csv(done.reports / "pick-local-data" / "responses.csv").set_index("strategy")
        assert spent.loc["gpt4", ["responses", "requests", "failed_tries", "input_tokens"]].tolist() == [8, 8, 1, 80]
        assert spent["cost"].tolist() == [80 * 2 / 1e6] * 2
        assert "1 x 500: " in spent.loc["gpt4", "note"]
        assert "What the responses took" in done.out
        pick = re.match(PICK, done.out)
        assert {pick[1], pick[2]} == {"gpt4", "step_by_step"}
        command = following(done.out)
        assert f"strategy=[{pick[1]}]" in command
        assert not [word for word in command if word.startswith(f"strategy.{pick[2]}")]
        went_on = run_py(*command, store=tmp_path / "own")
        assert went_on.code == 0, went_on.out
    assert sum(asked(log).values()) == 2 + 16 + 32
    exported = rows(out / "local-data" / pick[1] / "data.jsonl")
    assert len({row["id"] for row in exported}) == 40
    page = (done.reports / "pick-local-data" / "index.html").read_text()
    assert f"<h2>{pick[0]}</h2>" in page
    assert "strategy=[" + pick[1] + "]" in page


def test_of_own_files_the_pick_is_exported_whole(run_py, root, tmp_path):
    task = ["benchmark=local", "benchmark.answer=number", f"data_dir={root}/experiments/own_task/data"]
    done = run_py(*SMALL, *task, f"exports={tmp_path}")
    assert done.code == 0, done.out
    assert "Train on steps (local / lab), runner-up terse" in done.out.splitlines()
    assert "was not checked for this kind of data" in " ".join(done.out.split())
    command = following(done.out)
    assert "strategy.only=[steps]" in command
    assert run_py(*command).code == 0
    assert len(rows(tmp_path / "local-data" / "steps" / "data.jsonl")) == 40


def test_in_the_lab_every_question_is_answered_and_the_sample_is_found(run_py, tmp_path):
    strategies = ["strategy=[gpt4,claude]", "strategy.claude.tries=2"]
    done = run_py(*SMALL, *strategies, f"exports={tmp_path}", store=tmp_path / "own")
    assert done.code == 0, done.out
    went_on = run_py(*following(done.out), store=tmp_path / "own")
    assert went_on.code == 0, went_on.out
    made = list((tmp_path / "lab").glob("*/data.jsonl"))
    assert [len(rows(path)) for path in made] == [1000]
