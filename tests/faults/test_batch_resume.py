"""Batches of a process that is killed at any moment are found again: nothing is paid twice, nothing lost."""

import random
import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.faults.batch_and_die import RECIPE, questions, source
from tests.servers.running import ROOT, batching


def paid(log):
    """How often each prompt is on the provider's bill, one after the other."""
    return Counter(line.split(" ", 2)[2] for line in log.read_text().splitlines() if line.startswith("paid"))


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=[pytest.mark.faults, pytest.mark.timeout(1200)])])
def test_killed_at_random_moments_nothing_is_paid_twice_nothing_lost_and_the_bill_is_right(kind, kills, tmp_path):
    rng, log, n = random.Random(kills), tmp_path / "server.log", 10 * kills
    log.touch()
    with batching(log, "expired,,lost,,errors,,torn", delay=0.8) as url:
        command = [sys.executable, "-m", "tests.faults.batch_and_die", url, str(tmp_path / "journal"), str(n), kind]
        for _ in range(kills):
            before = log.read_bytes()
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            begun = time.monotonic()
            while log.read_bytes() == before and process.poll() is None and time.monotonic() < begun + 6:
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 1.2))  # before, while and after the batch that was just created ends
            process.kill()
            process.wait()
        one = source(url, str(tmp_path / "journal"), kind, limit=5.0)
        found, failed = one._ask(RECIPE, questions(n), 0)
    prompts = {question.id: question.prompt for question in questions(n)}
    hopeless = {name for name, why in failed.items() if "a bad prompt" in why}
    assert failed.keys() == hopeless
    assert found == {name: f"{prompt}\nFinal Answer: 1" for name, prompt in prompts.items() if name not in failed}
    assert paid(log) == Counter(prompts[name] for name in found)
    used = one.usage(RECIPE, questions(n))
    assert (used["requests"], used["in_batches"]) == (len(found), len(found))
    assert used["cost"] == pytest.approx(len(found) * 5 * 1000 / 2 / 1e6)
