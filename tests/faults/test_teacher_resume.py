"""A process killed while teachers answer goes on where it was: nothing that had arrived is asked for again."""

import json
import random
import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.faults.ask_and_die import ask, questions
from tests.servers.running import ROOT, faulty


def asked(log):
    return Counter(line.removeprefix("asked ") for line in log.read_text().splitlines() if line.startswith("asked"))


def kept(folder):
    """The ids in the journal, without the line a killed process left unfinished."""
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_bytes().split(b"\n")[:-1]]
    return {json.loads(line)["question_id"] for line in lines}


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.faults)])
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
