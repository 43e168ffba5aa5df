import json
import urllib.request
from collections import Counter
from dataclasses import replace

import pytest

from sppl.schemas import Question, UserError
from sppl.strategies.recipe import Recipe
from sppl.teachers.api import AnthropicTeacher, OpenAITeacher
from sppl.teachers.responses_of_teachers import TeacherResponses
from tests.servers.running import faulty

RECIPE = Recipe("direct", "asked directly", teacher="t", request="{question}\n\n{known}")
QUESTIONS = [Question(f"q{n}", f"How many, {n}?", "1") for n in range(6)]


@pytest.fixture
def log(tmp_path):
    return tmp_path / "server.log"


def source(url, tmp_path, kind=OpenAITeacher, **settings):
    options = {"model": "m", "api_key_env": None, "timeout": 1.0, "backoff": 0.01, "tries": 4, **settings}
    address = url if kind is AnthropicTeacher else f"{url}/v1"
    teacher = kind(name="t", base_url=address, **options)
    return TeacherResponses({"t": teacher}, str(tmp_path / "journal"))


def asked(log):
    return Counter(line.removeprefix("asked ") for line in log.read_text().splitlines() if line.startswith("asked"))


def answers(questions=QUESTIONS):
    return [f"{question.prompt}\nFinal Answer: 1" for question in questions]


@pytest.mark.parametrize("kind", [OpenAITeacher, AnthropicTeacher])
def test_a_teacher_answers_every_question_in_order_and_is_never_asked_twice(kind, tmp_path, log):
    with faulty(log) as url:
        for _ in range(2):
            assert source(url, tmp_path, kind).respond(RECIPE, QUESTIONS) == answers()
    assert set(asked(log).values()) == {1}
    used = source(url, tmp_path, kind, input_price=1.0, output_price=2.0).usage(RECIPE, QUESTIONS)
    tokens = {"input_tokens": 60, "output_tokens": 30, "cost": 120 / 1e6}
    assert used == {"teacher": "t", "requests": 6, **tokens, "failed_tries": {}}


def test_tries_that_brought_nothing_are_counted_with_their_reasons_and_their_tokens(tmp_path, log):
    with faulty(log, "length,429") as url:
        one = source(url, tmp_path, input_price=1.0, output_price=0.0)
        one.respond(RECIPE, QUESTIONS[:2])
    used = one.usage(RECIPE, QUESTIONS[:2])
    failed = used["failed_tries"]
    assert {why.split()[0]: n for why, n in failed.items()} == {"cut": 2, "429:": 2}
    assert (used["requests"], used["input_tokens"], used["output_tokens"]) == (2, 40, 20)
    assert used["cost"] == 40 / 1e6


@pytest.mark.parametrize(
    "fault", ["429", "429_after", "500", "409", "cut", "malformed", "html", "no_choices", "empty", "length", "hang"]
)
def test_after_a_passing_fault_the_set_is_complete(fault, tmp_path, log):
    with faulty(log, fault) as url:
        assert source(url, tmp_path).respond(RECIPE, QUESTIONS) == answers()
    assert set(asked(log).values()) == {2}


@pytest.mark.parametrize(
    ("fault", "times", "said"),
    [
        ("429", 3, r"429: .*fault 429.* \(3 tries\)"),
        ("429_after", 3, r"429: .*fault 429.* \(3 tries\)"),
        ("500", 3, r"fault 500.* \(3 tries\)"),
        ("hang", 3, r"no answer: .*timed out.* \(3 tries\)"),
        ("cut", 3, r"no answer: .* \(3 tries\)"),
        ("malformed", 3, r"not an answer of this API: .* \(3 tries\)"),
        ("no_choices", 3, r"answered without a choice \(3 tries\)"),
        ("empty", 3, r"an empty answer \(3 tries\)"),
        ("length", 3, r"cut off after 2000 tokens \(finish_reason=length\) \(3 tries\)"),
        ("400", 1, "400: .*fault 400"),
        ("filter", 1, "filter withheld"),
    ],
)
def test_a_lasting_fault_is_reported_row_by_row_and_the_rest_is_kept(fault, times, said, tmp_path, log):
    with faulty(log, ",".join([fault] * 3)) as url:
        with pytest.raises(UserError, match=rf"2 of 2 questions have no response .*q0: .*{said}"):
            source(url, tmp_path, tries=3).respond(RECIPE, QUESTIONS[:2])
        assert set(asked(log).values()) == {times}
    failed = next((tmp_path / "journal").glob("*.failed.json"))
    assert list(json.loads(failed.read_text())) == ["q0", "q1"]
    with faulty(log) as url:
        found = source(url, tmp_path).respond(RECIPE, QUESTIONS)
    assert found == answers()


@pytest.mark.parametrize(("fault", "said"), [("401", "401"), ("404", "404")])
def test_a_teacher_that_refuses_everything_is_asked_no_further(fault, said, tmp_path, log):
    with faulty(log, fault) as url, pytest.raises(UserError, match=f"teacher t refuses every request: {said}"):
        source(url, tmp_path, concurrency=1).respond(RECIPE, QUESTIONS)
    assert sum(asked(log).values()) == 1


def test_an_unknown_model_is_named(tmp_path, log):
    with faulty(log) as url, pytest.raises(UserError, match="refuses every request: 404"):
        source(url, tmp_path, model="other").respond(RECIPE, QUESTIONS)


def test_never_more_requests_are_under_way_than_allowed(tmp_path, log):
    with faulty(log, delay=0.1) as url:
        source(url, tmp_path, concurrency=2).respond(RECIPE, QUESTIONS)
        with urllib.request.urlopen(f"{url}/active") as reply:
            assert json.load(reply)["most"] == 2


def test_the_servers_rate_limit_headers_are_respected(tmp_path, log):
    with faulty(log, "last_of_minute") as url:
        found = source(url, tmp_path, concurrency=1).respond(RECIPE, QUESTIONS[:3])
    assert found == ["Final Answer: 1"] * 3


def test_another_wording_teacher_or_temperature_is_another_answer(tmp_path, log):
    with faulty(log) as url:
        one = source(url, tmp_path)
        one.respond(RECIPE, QUESTIONS[:1])
        one.respond(Recipe("direct", "another summary", teacher="t", request=RECIPE.request), QUESTIONS[:1])
        assert sum(asked(log).values()) == 1
        one.respond(Recipe("direct", "", teacher="t", request=RECIPE.request, temperature=0.5), QUESTIONS[:1])
        one.respond_again(RECIPE, QUESTIONS[:1], 1)
    assert sum(asked(log).values()) == 3


def test_an_unfinished_line_of_a_killed_process_is_forgotten_and_the_rest_kept(tmp_path, log):
    with faulty(log) as url:
        source(url, tmp_path).respond(RECIPE, QUESTIONS[:2])
        journal = next((tmp_path / "journal").glob("*.jsonl"))
        with journal.open("ab") as stream:
            stream.write(b'{"key": "half')
        assert source(url, tmp_path).respond(RECIPE, QUESTIONS[:3]) == answers(QUESTIONS[:3])
    assert len(journal.read_bytes().splitlines()) == 3


def test_a_key_that_is_not_there_is_missed_before_anything_is_asked(tmp_path, monkeypatch):
    monkeypatch.delenv("SPPL_TEST_KEY", raising=False)
    with pytest.raises(UserError, match="the environment variable SPPL_TEST_KEY holds no key"):
        source("http://127.0.0.1:9", tmp_path, api_key_env="SPPL_TEST_KEY").respond(RECIPE, QUESTIONS)


def test_an_estimate_counts_what_is_missing_and_an_unknown_price_is_said(tmp_path):
    priced = source("http://127.0.0.1:9", tmp_path, input_price=1e6, output_price=0.0)
    estimate = priced.estimate(
        Recipe("d", "", teacher="t", request="{question}{known}", sees="question"), QUESTIONS[:1]
    )
    assert (estimate.requests, estimate.input_tokens, estimate.output_tokens) == (
        1,
        len("How many, 0?") * 10 // 35,
        300,
    )
    assert estimate.cost == estimate.input_tokens
    assert "at an unknown price" in str(source("http://127.0.0.1:9", tmp_path).estimate(RECIPE, QUESTIONS))


def test_a_recipe_without_a_known_teacher_says_which_there_are(tmp_path):
    with pytest.raises(UserError, match="names teacher 'nobody'; there are t"):
        source("http://127.0.0.1:9", tmp_path).respond(
            Recipe("x", "", teacher="nobody", request="{question}"), QUESTIONS
        )


@pytest.mark.parametrize(
    ("kind", "settings", "sent"),
    [
        (OpenAITeacher, {}, {"max_tokens": 2000, "temperature": 0.7}),
        (AnthropicTeacher, {}, {"max_tokens": 2000, "temperature": 0.7}),
        (
            OpenAITeacher,
            {"limit": "max_completion_tokens", "request": {"temperature": None, "reasoning_effort": "none"}},
            {"max_completion_tokens": 2000, "reasoning_effort": "none"},
        ),
        (
            AnthropicTeacher,
            {"request": {"temperature": None, "thinking": {"type": "between_tools"}}},
            {"max_tokens": 2000, "thinking": {"type": "between_tools"}},
        ),
    ],
)
def test_a_request_holds_the_recipes_sampling_and_what_the_teachers_file_adds_or_leaves_out(
    kind, settings, sent, tmp_path, log
):
    with faulty(log) as url:
        source(url, tmp_path, kind, **settings).respond(replace(RECIPE, temperature=0.7), QUESTIONS[:1])
    fields = next(line.removeprefix("fields ") for line in log.read_text().splitlines() if line.startswith("fields"))
    assert json.loads(fields) == {"model": "m", **sent}


def test_what_a_teachers_file_adds_to_its_requests_is_part_of_what_an_answer_depends_on(tmp_path):
    plain, adding = (
        source("http://127.0.0.1:1", tmp_path, **more).teachers["t"].identity for more in ({}, {"request": {"a": 1}})
    )
    assert plain == {"model": "m", "base_url": "http://127.0.0.1:1/v1"}
    assert adding == {**plain, "request": {"a": 1}}
