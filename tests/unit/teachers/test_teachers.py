import json
import urllib.request
from collections import Counter
from dataclasses import replace

import pytest

from sppl.schemas import Question, UserError
from sppl.strategies.recipe import Recipe
from sppl.study.spending import describe_spending
from sppl.teachers.api import AnthropicTeacher, OpenAITeacher
from sppl.teachers.teacher_responses import TeacherResponses
from tests.servers.running import faulty, free_ports

RECIPE = Recipe("direct", "asked directly", teacher="t", request="{question}\n\n{known}")
QUESTIONS = [Question(f"q{n}", f"How many, {n}?", "1") for n in range(6)]


SLOW = ("hang", "drip")
"""Faults that end when the teacher's patience does, which is short for these alone: a busy machine is slow too."""


def patience(fault):
    return {"timeout": 1.0} if fault in SLOW else {}


@pytest.fixture
def log(tmp_path):
    return tmp_path / "server.log"


def source(url, tmp_path, kind=OpenAITeacher, **settings):
    options = {"model": "m", "api_key_env": None, "timeout": 30.0, "backoff": 0.01, "tries": 4, **settings}
    address = url if kind is AnthropicTeacher else f"{url}/v1"
    teacher = kind(name="t", base_url=address, **options)
    return TeacherResponses({"t": teacher}, str(tmp_path / "journal"))


def asked(log):
    """How often the server was asked each prompt."""
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
        one = source(url, tmp_path, input_price=1.0, output_price=0.0, max_tokens_ceiling=3000)
        one.respond(replace(RECIPE, max_tokens=5), QUESTIONS[:2])
    used = one.usage(replace(RECIPE, max_tokens=5), QUESTIONS[:2])
    failed = used["failed_tries"]
    assert {why.split()[0]: n for why, n in failed.items()} == {"cut": 2, "429:": 2}
    assert (used["requests"], used["input_tokens"], used["output_tokens"]) == (2, 40, 20)
    assert used["cost"] == 40 / 1e6


@pytest.mark.parametrize(
    "fault",
    [
        *("429", "429_after", "429_date", "500", "409", "cut", "malformed", "html", "hang", "drip"),
        *("no_choices", "null_choice", "empty", "error_in_200"),
    ],
)
def test_after_a_passing_fault_the_set_is_complete(fault, tmp_path, log):
    with faulty(log, fault) as url:
        assert source(url, tmp_path, **patience(fault)).respond(RECIPE, QUESTIONS) == answers()
    assert set(asked(log).values()) == {2}


@pytest.mark.parametrize(
    ("fault", "times", "said"),
    [
        ("429", 3, r"429: .*fault 429.* \(3 tries\)"),
        ("429_after", 3, r"429: .*fault 429.* \(3 tries\)"),
        ("500", 3, r"fault 500.* \(3 tries\)"),
        ("hang", 3, r"no answer: .*timed out.* \(3 tries\)"),
        ("cut", 3, r"no answer: .* \(3 tries\)"),
        ("drip", 3, r"no answer: timed out after 1 s \(3 tries\)"),
        ("malformed", 3, r"not an answer of this API: .* \(3 tries\)"),
        ("no_choices", 3, r"answered without a choice \(3 tries\)"),
        ("null_choice", 3, r"answered without a choice \(3 tries\)"),
        ("empty", 3, r"an empty answer \(3 tries\)"),
        ("error_in_200", 3, r"an error in an answer's place: upstream is down \(3 tries\)"),
        ("length", 1, r"cut off after 2000 tokens \(finish_reason=length\); it is not asked for again with the same"),
        ("400", 1, "400: .*fault 400"),
        ("filter", 1, "filter withheld"),
        ("refusal", 1, r"refused to answer: I will not do that\."),
        ("tool", 1, r"called a tool instead of answering \(finish_reason=tool_calls\)"),
        ("odd_end", 1, r"finish_reason=abort\); finished ones end with stop.*'teacher\.t\.finished=\[stop,abort\]'"),
        ("no_end", 1, r"finish_reason=none\).*'teacher\.t\.finished=\[stop,none\]'"),
        ("picture", 1, "a part of type image_url, which is no text"),
    ],
)
def test_a_lasting_fault_is_reported_row_by_row_and_the_rest_is_kept(fault, times, said, tmp_path, log):
    with faulty(log, ",".join([fault] * 3)) as url:
        with pytest.raises(UserError, match=rf"2 of 2 questions have no response .*q0: .*{said}"):
            source(url, tmp_path, tries=3, **patience(fault)).respond(RECIPE, QUESTIONS[:2])
        assert set(asked(log).values()) == {times}
    failed = next((tmp_path / "journal").glob("*.failed.json"))
    assert list(json.loads(failed.read_text())) == ["q0", "q1"]
    with faulty(log) as url:
        found = source(url, tmp_path).respond(RECIPE, QUESTIONS)
    assert found == answers()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("401", r"401: .*Look at the key: teacher\.t\.api_key_env"),
        ("404", r"404: .*Look at teacher\.t\.base_url and teacher\.t\.model"),
        ("402", r"402: Insufficient Balance.*needs credit"),
        ("quota", r"429: You exceeded your current quota.*insufficient_quota.*needs credit"),
        ("hard_limit", r"400: Billing hard limit has been reached.*needs credit"),
        ("balance", r"400: Your credit balance is too low.*needs credit"),
        ("quota_in_200", r"Insufficient credits.*needs credit"),
        ("message_in_200", r"The model `m` does not exist.*teacher\.t\.model=MODEL"),
        ("key", r"401: Incorrect API key provided: \[key\].*Look at the key"),
        ("model", r"404: The model `m` does not exist.*teacher\.t\.model=MODEL"),
        ("permission", r"403: You have no access to this project"),
        ("field", r"400: Unsupported parameter: 'max_tokens'.*teacher\.t\.request"),
        ("429_day", r"429: .*It asks to be left alone for 24\.0 hours; come back then"),
    ],
)
@pytest.mark.parametrize("kind", [OpenAITeacher, AnthropicTeacher])
def test_a_teacher_that_refuses_everything_is_asked_once_at_full_concurrency(kind, fault, said, tmp_path, log):
    with faulty(log, f"{fault}*") as url, pytest.raises(UserError, match=f"teacher t refuses every request: .*{said}"):
        source(url, tmp_path, kind, concurrency=50).respond(RECIPE, QUESTIONS)
    assert sum(asked(log).values()) == 1


def test_a_teacher_whose_quota_ends_half_way_keeps_what_it_answered_and_says_so(tmp_path, log):
    questions, (port,) = [Question(f"q{n}", f"How many, {n}?", "1") for n in range(12)], free_ports(1)
    with faulty(log, "quota>5", port=port) as url:
        with pytest.raises(UserError, match=r"needs credit.* direct has 5 of 12 answers, which are kept; the same"):
            source(url, tmp_path, concurrency=3).respond(RECIPE, questions)
        assert 6 <= sum(asked(log).values()) <= 5 + 3
    with faulty(log, port=port) as url:
        before = asked(log)
        assert source(url, tmp_path).respond(RECIPE, questions) == answers(questions)
    assert (asked(log) - before).total() == 7


def test_questions_are_asked_one_by_one_until_one_is_answered_and_after_ten_in_vain_no_more(tmp_path, log):
    questions = [Question(f"q{n}", f"How many, {n}?", "1") for n in range(30)]
    with faulty(log, "filter*") as url, pytest.raises(UserError, match="30 of 30 questions have no response") as told:
        source(url, tmp_path, concurrency=8).respond(RECIPE, questions)
    assert sum(asked(log).values()) == 10
    failed = json.loads(next((tmp_path / "journal").glob("*.failed.json")).read_text())
    assert list(failed.values()).count("not asked: of 10 before it none was answered") == 20
    assert "q0: the server's filter withheld the answer" in str(told.value)


CUT = replace(RECIPE, max_tokens=100)


@pytest.mark.parametrize(("kind", "fault"), [(OpenAITeacher, "length*"), (AnthropicTeacher, "max_tokens*")])
@pytest.mark.parametrize(("ceiling", "limits"), [(None, [100]), (80, [100]), (400, [100, 400])])
def test_an_answer_cut_off_is_asked_for_once_more_with_the_ceiling_and_never_with_the_same_limit(
    ceiling, limits, kind, fault, tmp_path, log
):
    with faulty(log, fault) as url:
        one = source(url, tmp_path, kind, max_tokens_ceiling=ceiling, output_price=1e6, input_price=0.0)
        more = rf"cut off after {limits[-1]} tokens \(.*\).*teacher\.t\.max_tokens_ceiling={2 * limits[-1]} asks"
        with pytest.raises(UserError, match=more):
            one.respond(CUT, QUESTIONS[:1])
        assert sent_limits(log) == limits
    used = one.usage(CUT, QUESTIONS[:1])
    assert (used["requests"], list(used["failed_tries"].values()), used["cost"]) == (0, [1] * len(limits), sum(limits))


def test_a_ceiling_that_is_raised_later_asks_for_the_cut_answers_alone_and_with_nothing_smaller(tmp_path, log):
    with faulty(log, "length") as url:
        with pytest.raises(UserError, match="1 of 1 questions"):
            source(url, tmp_path).respond(CUT, QUESTIONS[:1])
        one = source(url, tmp_path, max_tokens_ceiling=400, concurrency=1)
        assert one.respond(CUT, QUESTIONS[:2]) == answers(QUESTIONS[:2])
    assert sent_limits(log) == [100, 400, 100, 400]  # the first question goes on with 400, the second begins with 100


def test_a_greedy_teacher_is_never_sent_what_it_was_sent_before(tmp_path, log):
    greedy = replace(CUT, temperature=0.0)
    with faulty(log, "length,empty") as url:
        for _ in range(2):
            with pytest.raises(UserError, match="cut off after 100 tokens"):
                source(url, tmp_path).respond(greedy, QUESTIONS[:1])
        assert sum(asked(log).values()) == 1
        with pytest.raises(UserError, match="q0: an empty answer"):
            source(url, tmp_path, max_tokens_ceiling=200).respond(greedy, QUESTIONS[:1])
        assert source(url, tmp_path).respond_again(greedy, QUESTIONS[:1], 1) == {}
    assert sum(asked(log).values()) == 2


def sent_limits(log):
    fields = [json.loads(line.removeprefix("fields ")) for line in log.read_text().splitlines() if line[0] == "f"]
    return [one["max_tokens"] for one in fields]


def test_content_in_parts_is_their_text_and_thoughts_are_left_out(tmp_path, log):
    with faulty(log, "parts") as url:
        assert source(url, tmp_path).respond(RECIPE, QUESTIONS[:1]) == ["Final Answer: 1"]


@pytest.mark.parametrize("fault", ["no_usage", "text_usage", "text_tokens", "minus_usage"])
def test_usage_that_is_not_told_in_whole_numbers_is_unknown_and_the_answer_is_kept(fault, tmp_path, log):
    with faulty(log, fault) as url:
        one = source(url, tmp_path, input_price=1.0, output_price=1.0, concurrency=1)
        assert one.respond(RECIPE, QUESTIONS[:2]) == ["Final Answer: 1"] * 2
    used = one.usage(RECIPE, QUESTIONS[:2])
    assert (used["requests"], used["without_usage"], used["cost"], used["known_cost"]) == (2, 2, None, 0.0)
    unknown = "an unknown number of tokens, at an unknown cost: the server does not say what it used"
    assert describe_spending([used]) == f"2 requests to t, 2 answered, {unknown}"


def test_an_answer_lost_on_the_way_may_be_on_the_bill_and_one_never_sent_is_not(tmp_path, log):
    with faulty(log, "hang") as url:
        one = source(url, tmp_path, input_price=1.0, output_price=1.0, **patience("hang"))
        one.respond(RECIPE, QUESTIONS[:1])
    used = one.usage(RECIPE, QUESTIONS[:1])
    assert (used["without_usage"], used["known_cost"]) == (1, 15 / 1e6)
    assert (
        "at least 10 tokens read and 5 written, for at least $1.5e-05; what 1 of them took is unknown"
        in describe_spending([used])
    )
    gone = source("http://127.0.0.1:9", tmp_path / "gone", input_price=1.0, output_price=1.0, tries=2)
    with pytest.raises(UserError, match=r"no answer: Connection error\. .*connection attempts failed.* \(2 tries\)"):
        gone.respond(RECIPE, QUESTIONS[:1])
    assert gone.usage(RECIPE, QUESTIONS[:1])["cost"] == 0.0


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


@pytest.mark.parametrize("fault", ["echo_401*", "echo_500*", "echo_400*"])
def test_a_key_that_the_server_repeats_is_written_nowhere(fault, tmp_path, log, monkeypatch, caplog):
    caplog.set_level("DEBUG", logger="sppl")
    monkeypatch.setenv("SPPL_TEST_KEY", "an-own-key-4711")
    with faulty(log, fault) as url, pytest.raises(UserError, match=r"denied: Bearer \[key\]") as told:
        source(url, tmp_path, api_key_env="SPPL_TEST_KEY", tries=2).respond(RECIPE, QUESTIONS[:2])
    written = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert any("denied: Bearer [key]" in text for text in written)
    assert not [text for text in [*written, caplog.text, str(told.value)] if "an-own-key-4711" in text]


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
