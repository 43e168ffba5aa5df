"""A process killed while teachers answer goes on where it was: nothing that had arrived is asked for again."""

import json
import random
import subprocess
import sys
import time
from collections import Counter

import pandas as pd
import pytest

from sppl.lab.source import LabQuestions
from tests.faults.ask_and_die import ask, questions
from tests.servers.running import ROOT, faulty


def asked(log):
    return Counter(line.removeprefix("asked ") for line in log.read_text().splitlines() if line.startswith("asked"))


def kept(folder):
    """The ids in the journal, without the line a killed process left unfinished."""
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_bytes().split(b"\n")[:-1]]
    return {json.loads(line)["question_id"] for line in lines}


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.faults)])
def test_killed_at_random_moments_no_answer_is_lost_and_none_paid_for_twice(kills, tmp_path):
    rng, journal, log = random.Random(kills), tmp_path / "journal", tmp_path / "server.log"
    n = 15 * kills
    prompts = {question.id: question.prompt for question in questions(n)}
    log.touch()
    with faulty(log, delay=0.05) as url:
        command = [sys.executable, "-m", "tests.faults.ask_and_die", url, str(journal), str(n)]
        for _ in range(kills):
            before, had = asked(log), kept(journal)
            process = subprocess.Popen(command, cwd=ROOT)
            while len(kept(journal)) == len(had) and process.poll() is None:
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 0.2))
            process.kill()
            process.wait()
            after = asked(log)
            assert [name for name in had if after[prompts[name]] != before[prompts[name]]] == []
            assert had < kept(journal)
        assert ask(url, str(journal), n) == [f"{prompt}\nFinal Answer: 1" for prompt in prompts.values()]
    in_flight = sum(asked(log).values()) - n
    assert 0 <= in_flight <= 3 * kills


@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_the_command_killed_20_times_while_it_generates_asks_nothing_twice_that_had_arrived(start, tmp_path):
    rng, store, log, n = random.Random(20), tmp_path / "own", tmp_path / "server.log", 240
    settings = [
        "stage=[generate]",
        "benchmark.respond=teacher",
        "strategy=[self_generated]",
        f"n_train={n}",
        "n_score=1",
    ]
    settings += ["strategy.self_generated.teacher=server", "+strategy.self_generated.tries=1", "teacher.server.model=m"]
    log.touch()
    with faulty(log, delay=0.2) as url:
        kept_before: set[str] = set()
        for _ in range(20):
            had, before = kept(store / "journal/lab"), asked(log)
            process = start(*settings, f"teacher.server.base_url={url}/v1", store=store)
            while len(kept(store / "journal/lab")) == len(had) and process.poll() is None:
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 0.5))
            process.kill()
            process.communicate()
            assert not list(store.glob("responses/**/*.parquet"))
            assert had < kept(store / "journal/lab")
            assert kept_before <= had
            again = asked(log) - before
            assert [name for name, text in prompts(n).items() if name in had and text in again] == []
            kept_before = had
        done = start(*settings, f"teacher.server.base_url={url}/v1", store=store)
        out, _ = done.communicate(timeout=300)
        assert done.returncode == 0, out
    (leaf,) = store.glob("responses/lab/self_generated-*/*.parquet")
    found = pd.read_parquet(leaf)
    assert found["question_id"].tolist() == list(prompts(n))
    assert found["response"].tolist() == [f"{text}\nFinal Answer: 1" for text in prompts(n).values()]
    assert 0 <= sum(asked(log).values()) - n <= 4 * 20


def prompts(n):
    """The first line of every question, which the server counts by."""
    return {question.id: question.prompt.splitlines()[0] for question in LabQuestions().questions("train", n)}
