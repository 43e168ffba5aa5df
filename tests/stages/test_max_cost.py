"""max_cost is a limit on what is spent, and every ending says what was: requests, tokens, dollars."""

import json
import logging
import re
import urllib.request

import pytest

from sppl.artifacts.store import Store
from sppl.benchmarks.definition import Benchmark
from sppl.schemas import Question, UserError
from sppl.stages.generate import generate
from sppl.strategies.recipe import Recipe
from sppl.study.responses import Responses
from sppl.teachers.api import OpenAITeacher
from sppl.teachers.teacher_responses import TeacherResponses
from tests.servers.running import faulty, free_ports

pytestmark = pytest.mark.filterwarnings("default")
RECIPE = Recipe("direct", "", teacher="t", request="{question}{known}", tries=1, max_tokens=100, expected_tokens=1)
"""An answer of 100 tokens, as long as it may be, costs one dollar by the prices below, one of 5 tokens 5 cents."""


class Numbered:
    """So many questions whose right answer is 1, which is what the fault server says; or `gold`."""

    def __init__(self, number, gold="1"):
        self.number, self.gold = number, gold

    def questions(self, split, n=None):
        return [Question(f"q{at}", f"How many, {at}?", self.gold) for at in range(self.number)][:n]


class Money:
    """Runs generate against the fault server, and knows what that server says it was used for."""

    def __init__(self, tmp_path, caplog):
        self.folder, self.log, self.caplog = tmp_path, tmp_path / "server.log", caplog
        self.store = Store(str(tmp_path / "store"))
        self.port = free_ports(1)[0]
        self.log.touch()
        caplog.set_level(logging.INFO)

    def generate(self, number, recipe=RECIPE, gold="1", command=None, **settings):
        limit = settings.pop("max_cost", 1e9)
        options = {"api_key_env": None, "timeout": 30.0, "backoff": 0.01, "input_price": 0.0, "output_price": 1e4}
        options |= {"concurrency": 50, "tries": 3, **settings}
        teacher = OpenAITeacher(name="t", model="m", base_url=f"http://127.0.0.1:{self.port}/v1", **options)
        source = TeacherResponses({"t": teacher}, str(self.folder / "journal"))
        one = Benchmark("tiny", Numbered(number, gold), source, "gsm8k", 10, "Final Answer: {answer}")
        asking = {"n_score": number, "n_train": number, "max_cost": limit, "confirm": True, "command": command}
        generate(benchmark=one, strategy={recipe.name: recipe}, store=self.store, **asking)
        asked = one.questions.questions("train")
        made = Responses(self.store, one, recipe, asked)
        return made.known().assign(correct=list(made.right().values()))

    @property
    def asked(self):
        return self.log.read_text().count("asked ")

    @property
    def dollars(self):
        return sum(
            int(written) / 100 for written in re.findall(r"^used \d+ (\d+)$", self.log.read_text(), re.MULTILINE)
        )

    @property
    def bill(self):
        """The last line of the log that tells it."""
        lines = [line.removeprefix("bill of this job: ") for line in self.caplog.messages if line.startswith("bill")]
        return lines[-1] if lines else None


@pytest.fixture
def money(tmp_path, caplog):
    return Money(tmp_path, caplog)


def test_fifty_requests_at_once_never_spend_more_than_the_limit_and_nothing_bought_is_lost(money):
    with faulty(money.log, "full*", delay=0.3, port=money.port) as url:
        with pytest.raises(UserError) as told:
            money.generate(60, max_cost=55.5)
        with urllib.request.urlopen(f"{url}/active") as reply:
            assert json.load(reply)["most"] == 50
        assert (money.asked, money.dollars) == (55, 55.0)
        assert str(told.value) == (
            "max_cost=55.5 is reached: $55.0000 are spent, and the next request could cost up to $1.0000. What was "
            "answered is kept and not asked for again. Still missing: direct: 5 requests to t, about 204 tokens read "
            "and 5 written, for about $0.05. To go on: the same command with max_cost=5, which is enough for one "
            "answer each, however long"
        )
        assert money.bill == "55 requests to t, 55 answered, 550 tokens read and 5,500 written, for $55.0000"
        assert len(money.generate(60, max_cost=5)) == 60
    assert (money.asked, money.dollars) == (60, 60.0)


def test_the_limit_is_on_what_is_spent_not_on_what_could_be(money):
    with faulty(money.log, delay=0.02, port=money.port):  # 40 answers at 5 cents are 2 dollars, and could be 40
        assert len(money.generate(40, max_cost=2.96)) == 40
    assert money.dollars == pytest.approx(2.0)
    assert money.bill == "40 requests to t, 40 answered, 400 tokens read and 200 written, for $2.0000"


def test_tries_that_fail_count(money):
    with faulty(money.log, "length*", port=money.port):
        with pytest.raises(UserError, match=r"max_cost=3 is reached: \$3\.0000 are spent.* direct: 10 requests to t"):
            money.generate(10, max_cost=3)
        assert (money.asked, money.dollars) == (3, 3.0)
    assert money.bill.endswith(
        "3 requests to t, 0 answered, 30 tokens read and 300 written, for $3.0000; tries that failed: "
        "3 x cut off after 100 tokens (finish_reason=length)"
    )


def test_a_teacher_that_always_stops_at_the_limit_is_asked_each_question_once(money):
    with faulty(money.log, "length*", port=money.port), pytest.raises(UserError, match="4 of 4 questions have no resp"):
        money.generate(4)
    assert (money.asked, money.dollars) == (4, 4.0)
    assert "for $4.0000; tries that failed: 4 x cut off after 100 tokens" in money.bill


def test_a_request_without_usage_counts_as_dear_as_it_can_be_and_is_unknown_on_the_bill(money):
    with faulty(money.log, "no_usage*", port=money.port), pytest.raises(UserError, match=r"\$5\.0000 are spent"):
        money.generate(10, max_cost=5)
    assert money.asked == 5
    assert money.bill == (
        "5 requests to t, 5 answered, an unknown number of tokens, at an unknown cost: the server does not say what it "
        "used"
    )


def test_a_slow_teacher_may_bill_what_was_not_waited_for(money):
    with faulty(money.log, "hang*", port=money.port), pytest.raises(UserError, match=r"\$2\.0000 are spent"):
        money.generate(10, max_cost=2, timeout=0.3)
    assert money.asked == 2
    assert money.bill.startswith("2 requests to t, 0 answered, an unknown number of tokens, at an unknown cost")


def test_second_answers_to_wrong_ones_stop_at_the_limit_too(money):
    again = Recipe("direct", "", teacher="t", request="{question}{known}", tries=3, max_tokens=100, expected_tokens=1)
    with faulty(money.log, "full*", port=money.port):
        said = r"max_cost=6 is reached.* Still missing: 2 further answers where the first are wrong\. .* max_cost=2,"
        with pytest.raises(UserError, match=said):
            money.generate(4, again, gold="2", max_cost=6)
        assert money.asked == 6
        assert money.generate(4, again, gold="2", max_cost=6)["correct"].tolist() == [False] * 4
    assert money.asked == 12


def test_at_an_unknown_price_there_is_no_limit_and_the_bill_says_so(money):
    with faulty(money.log, "full*", port=money.port):
        assert len(money.generate(3, max_cost=0, output_price=None)) == 3
    assert money.bill == "3 requests to t, 3 answered, 30 tokens read and 300 written, at an unknown price"


def test_the_jobs_of_a_sweep_share_the_limit_and_a_run_has_its_own(money):
    other = Recipe("other", "", teacher="t", request="Go on. {question}{known}", tries=1, max_tokens=100)
    with faulty(money.log, "full*", port=money.port):
        assert len(money.generate(3, max_cost=5.5, command="one")) == 3
        with pytest.raises(UserError, match=r"max_cost=5\.5 is reached: \$5\.0000 are spent"):
            money.generate(3, other, max_cost=5.5, command="one")
        assert money.asked == 5
        assert len(money.generate(3, other, max_cost=5.5)) == 3
    assert money.asked == 6


QUOTA = "refuses every request: 429: You exceeded"
UNKNOWN = "an unknown number of tokens, at an unknown cost"


@pytest.mark.parametrize(
    ("faults", "said", "bill"),
    [
        (
            "quota*",
            QUOTA,
            r"1 request to t, 0 answered, 0 tokens read and 0 written, for \$0; tries that failed: 1 x 429",
        ),
        (
            "402>2",
            "every request: 402: Insufficient Balance",
            r"2 answered, 20 tok.*for \$0\.1000; .*: \d x 402: Insuff",
        ),
        ("error_in_200*", "4 of 4 questions have no response", f"12 requests to t, 0 answered, {UNKNOWN}"),
        (
            "null_choice*",
            "4 of 4 questions.*without a choice",
            r"12 requests .* 120 tokens read and 60 .* for \$0\.6000",
        ),
        ("text_usage*", "", f"4 requests to t, 4 answered, {UNKNOWN}"),
        ("minus_usage*", "", f"4 requests to t, 4 answered, {UNKNOWN}"),
        ("parts*", "", r"4 requests to t, 4 answered, 40 tokens read and 20 written, for \$0\.2000"),
    ],
)
def test_the_bill_is_in_every_ending(faults, said, bill, money):
    with faulty(money.log, faults, port=money.port):
        if said:
            with pytest.raises(UserError, match=said):
                money.generate(4)
        else:
            money.generate(4)
    assert re.search(bill, money.bill)


@pytest.mark.parametrize("limit", [-1.0, float("nan"), "many", None, True])
def test_a_limit_that_is_no_number_of_dollars_is_refused(limit, money):
    with pytest.raises(UserError, match="is not a number of US dollars"):
        money.generate(1, max_cost=limit)
    assert money.asked == 0
