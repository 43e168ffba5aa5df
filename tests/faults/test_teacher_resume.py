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
from sppl.teachers.budget import LimitReached
from tests.faults.ask_and_die import ask, questions, shared
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


def test_killed_with_50_requests_out_nothing_is_paid_twice_and_the_limit_counts_them_in_full(tmp_path):
    journal, log, n, worst = str(tmp_path / "journal"), tmp_path / "server.log", 120, 0.1
    log.touch()
    with faulty(log, delay=1.0) as url:
        command = [sys.executable, "-m", "tests.faults.ask_and_die", url, journal, str(n), "50", "8.0"]
        process = subprocess.Popen(command, cwd=ROOT)
        while sum(asked(log).values()) < 50:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.wait()
        out = asked(log)
        had = kept(tmp_path / "journal")
        lost = sum(out.values()) - len(had)
        aside = shared(journal).taken
        assert 40 < lost <= 50
        assert aside >= lost * worst - 1e-6  # nobody knows whether they were paid for
        with pytest.raises(LimitReached):
            ask(url, journal, n, 50, shared(journal, aside + 1.2 * worst))
        assert shared(journal).taken <= aside + 1.2 * worst
        bought, before = kept(tmp_path / "journal"), asked(log)
        assert ask(url, journal, n, 50) == [f"{q.prompt}\nFinal Answer: 1" for q in questions(n)]
    after = asked(log)
    prompts = {question.id: question.prompt for question in questions(n)}
    assert had < bought
    assert [name for name in bought if after[prompts[name]] != before[prompts[name]]] == []
    assert sum(after.values()) == n + lost


@pytest.mark.parametrize("trouble", ["429,429,429", "500,429_after,429"])
def test_a_storm_of_429_over_50_requests_at_once_ends_with_every_answer_once(trouble, tmp_path):
    log = tmp_path / "server.log"
    log.touch()
    with faulty(log, trouble, delay=0.02) as url:
        for _ in range(2):
            found = ask(url, str(tmp_path / "journal"), 100, 50)
            assert found == [f"{question.prompt}\nFinal Answer: 1" for question in questions(100)]
    assert set(asked(log).values()) == {4}  # three times in vain, once answered, never again


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
    settings += ["strategy.self_generated.teacher=server", "strategy.self_generated.tries=1", "teacher.server.model=m"]
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
    (artifact,) = store.glob("responses/lab/self_generated-*/*.parquet")
    found = pd.read_parquet(artifact)
    assert found["question_id"].tolist() == list(prompts(n))
    assert found["response"].tolist() == [f"{text}\nFinal Answer: 1" for text in prompts(n).values()]
    assert 0 <= sum(asked(log).values()) - n <= 4 * 20


def prompts(n):
    """The first line of every question, which the server counts by."""
    return {question.id: question.prompt.splitlines()[0] for question in LabQuestions().questions("train", n)}
