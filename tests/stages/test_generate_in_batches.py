"""generate with teachers that are asked in batches: all strategies' batches run at once, and the money is half."""

import logging
from dataclasses import replace

import pytest

from sppl.artifacts.store import Store
from sppl.benchmarks.definition import Benchmark
from sppl.schemas import UserError
from sppl.stages.generate import generate
from sppl.strategies.recipe import Recipe
from sppl.study.responses import Responses
from sppl.teachers.api import OpenAITeacher
from sppl.teachers.teacher_responses import TeacherResponses
from tests.servers.running import batching
from tests.stages.test_max_cost import Numbered

pytestmark = pytest.mark.filterwarnings("default")
ONE = Recipe("one", "", teacher="t", request="{question}{known}", tries=1, max_tokens=100, expected_tokens=50)
TWO = replace(ONE, name="two", request="Say it: {question}{known}")


def run(url, tmp_path, *recipes, max_cost=1e9, confirm=True, dry=False, **settings):
    """Twelve cents per thousand tokens written, one by one: an answer of 5 tokens in a batch costs 0.03 cents."""
    options = {"api_key_env": None, "timeout": 30.0, "backoff": 0.01, "poll": 0.05, "mode": "batch", **settings}
    teacher = OpenAITeacher(name="t", model="m", base_url=f"{url}/v1", input_price=0.0, output_price=120.0, **options)
    source, store = TeacherResponses({"t": teacher}, str(tmp_path / "journal")), Store(str(tmp_path / "store"))
    benchmark = Benchmark("tiny", Numbered(4), source, "gsm8k", 10, "Final Answer: {answer}")
    strategy = {one.name: one for one in recipes}
    money = {"max_cost": max_cost, "confirm": confirm, "dry": dry}
    plan = generate(benchmark=benchmark, strategy=strategy, n_score=4, n_train=4, store=store, **money)
    asked = benchmark.questions.questions("train")
    if dry:
        return plan, []
    return plan, [list(Responses(store, benchmark, one, asked).right().values()) for one in recipes]


def words(log):
    return [line.split()[0] for line in log.read_text().splitlines() if line.startswith(("created", "ended"))]


def test_the_batches_of_all_strategies_are_under_way_together_and_the_bill_says_half(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    with batching(tmp_path / "log", delay=0.8) as url:
        _, right = run(url, tmp_path, ONE, TWO)
    assert words(tmp_path / "log") == ["created", "created", "ended", "ended"]
    assert right == [[True] * 4] * 2
    bill = "bill of this job: 8 requests to t, 8 answered (8 in batches at half the price)"
    assert any(line.startswith(bill) and line.endswith("for $0.0024") for line in caplog.messages)


def test_estimate_and_limit_count_half_the_price(tmp_path):
    (single,) = run("http://nowhere.invalid", tmp_path, ONE, mode="direct", dry=True)[0].to_make
    (plan,) = run("http://nowhere.invalid", tmp_path, ONE, dry=True)[0].to_make
    assert "4 requests to t, about" in plan
    assert ("for about $0.02)" in single, "for about $0.01)" in plan) == (True, True)  # 4 x 50 tokens: 2.4 cents, 1.2
    with pytest.raises(UserError, match=r"would cost about \$0\.0120 \(max_cost=0\.011\)"):
        run("http://nowhere.invalid", tmp_path, ONE, max_cost=0.011, confirm=False)


def test_a_command_that_ended_while_its_batch_was_under_way_goes_on_with_it(tmp_path):
    with batching(tmp_path / "log", delay=1.5) as url:
        with pytest.raises(KeyboardInterrupt):
            _interrupted(url, tmp_path)
        (plan,) = run(url, tmp_path, ONE, dry=True)[0].to_make
        assert "0 requests to t" in plan
        assert "4 more are under way in a batch" in plan
        _, (frame,) = run(url, tmp_path, ONE)
    assert words(tmp_path / "log") == ["created", "ended"]
    assert len(frame) == 4


def _interrupted(url, tmp_path):
    """Runs until the batch is handed in, then presses Ctrl-C."""
    import os
    import signal
    import threading

    def press():
        while not (tmp_path / "log").exists() or "created" not in (tmp_path / "log").read_text():
            threading.Event().wait(0.01)
        threading.Event().wait(0.4)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    run(url, tmp_path, ONE)
