"""A teacher asked in batches: handed in, collected by custom id, resumed, and paid for once at half the price."""

import json
import logging
from collections import Counter
from dataclasses import replace

import pytest

from sppl.schemas import Question, UserError
from sppl.strategies.recipe import Recipe
from sppl.study.spending import describe_spending
from sppl.teachers.api import AnthropicTeacher, OpenAITeacher
from sppl.teachers.budget import Budget, LimitReached
from sppl.teachers.teacher_responses import TeacherResponses
from tests.servers.running import batching, faulty

RECIPE = Recipe("direct", "asked directly", teacher="t", request="{question}\n\n{known}", max_tokens=100)
QUESTIONS = [Question(f"q{n}", f"How many, {n}?", "1") for n in range(6)]
KINDS = pytest.mark.parametrize("kind", [OpenAITeacher, AnthropicTeacher])
PRICES = {"input_price": 100.0, "output_price": 1000.0}
"""US dollars per million tokens: 0.3 cents for an answer in a batch, 10 tokens read and 5 written."""


@pytest.fixture
def log(tmp_path):
    (tmp_path / "server.log").touch()
    return tmp_path / "server.log"


def source(url, tmp_path, kind, budget=None, **settings):
    options = {"model": "m", "api_key_env": None, "timeout": 30.0, "backoff": 0.01, "tries": 3, "poll": 0.02}
    address = url if kind is AnthropicTeacher else f"{url}/v1"
    teacher = kind(name="t", base_url=address, **{**options, "mode": "batch", **PRICES, **settings})
    return TeacherResponses({"t": teacher}, str(tmp_path / "journal"), budget=budget or Budget())


def answers(questions=QUESTIONS):
    return [f"{question.prompt}\nFinal Answer: 1" for question in questions]


def lines(log, word):
    return [line.removeprefix(f"{word} ") for line in log.read_text().splitlines() if line.startswith(f"{word} ")]


def paid(log):
    """How often each prompt is on the provider's bill."""
    return Counter(line.split(" ", 1)[1] for line in lines(log, "paid"))


def sizes(log):
    return [int(line.split()[1]) for line in lines(log, "created")]


@KINDS
def test_every_question_is_answered_in_order_by_one_batch_that_is_paid_for_once_at_half_the_price(kind, tmp_path, log):
    with batching(log) as url:
        for _ in range(2):
            one = source(url, tmp_path, kind)
            assert one.respond(RECIPE, QUESTIONS) == answers()
    assert (sizes(log), set(paid(log).values())) == ([6], {1})
    used = one.usage(RECIPE, QUESTIONS)
    tokens = {"input_tokens": 60, "output_tokens": 30, "cost": pytest.approx((60 * 100 + 30 * 1000) / 2 / 1e6)}
    assert used == {"teacher": "t", "requests": 6, **tokens, "failed_tries": {}, "in_batches": 6}
    assert "6 in batches at half the price" in describe_spending([used])


@KINDS
def test_the_estimate_is_half_of_what_single_requests_would_cost(kind, tmp_path):
    alone = source("http://nowhere.invalid", tmp_path, kind, mode="direct").estimate(RECIPE, QUESTIONS)
    together = source("http://nowhere.invalid", tmp_path, kind).estimate(RECIPE, QUESTIONS)
    assert (together.cost, together.most) == (pytest.approx(alone.cost / 2), pytest.approx(alone.most / 2))
    assert (together.requests, together.input_tokens) == (alone.requests, alone.input_tokens)


@KINDS
def test_answers_bought_one_by_one_and_in_batches_are_one_set_each_at_its_price(kind, tmp_path, log):
    with batching(log) as url:
        source(url, tmp_path, kind, mode="direct").respond(RECIPE, QUESTIONS[:2])
        one = source(url, tmp_path, kind)
        assert one.respond(RECIPE, QUESTIONS) == answers()
    assert (len(lines(log, "asked")), sizes(log)) == (2, [4])
    assert one.usage(RECIPE, QUESTIONS)["cost"] == pytest.approx((2 + 4 / 2) * (10 * 100 + 5 * 1000) / 1e6)


@KINDS
@pytest.mark.parametrize(
    ("trouble", "made"), [("expired", [6, 3]), ("torn", [6]), ("garbled", [6]), ("away", [6]), ("duplicates", [6])]
)
def test_what_passes_leaves_a_whole_set_and_only_what_failed_is_handed_in_again(kind, trouble, made, tmp_path, log):
    with batching(log, trouble) as url:
        one = source(url, tmp_path, kind)
        assert one.respond(RECIPE, QUESTIONS) == answers()
    assert (sizes(log), set(paid(log).values())) == (made, {1})
    used = one.usage(RECIPE, QUESTIONS)
    assert (used["requests"], used["cost"]) == (6, pytest.approx(6 * 0.003))
    assert used["failed_tries"] == ({"the batch expired before it was this request's turn": 3} if made[1:] else {})


@KINDS
def test_errors_of_single_requests_are_told_and_only_those_that_pass_are_handed_in_again(kind, tmp_path, log):
    with batching(log, "errors") as url, pytest.raises(UserError, match=r"1 of 6 questions .*q5: .*a bad prompt"):
        source(url, tmp_path, kind).respond(RECIPE, QUESTIONS)
    assert sizes(log) == [6, 2]
    assert set(paid(log).values()) == {1}


@KINDS
def test_a_batch_that_expires_again_and_again_is_given_up_after_so_many_tries(kind, tmp_path, log):
    with batching(log, "expired*") as url, pytest.raises(UserError, match=r"1 of 6 .*expired before .* \(3 tries\)"):
        source(url, tmp_path, kind).respond(RECIPE, QUESTIONS)
    assert sizes(log) == [6, 3, 2]  # of n requests the server answers every second one, from the second on


@KINDS
def test_a_batch_that_somebody_cancelled_is_not_handed_in_again_by_the_same_command(kind, tmp_path, log):
    with batching(log, "cancelled") as url:
        with pytest.raises(UserError, match=r"3 of 6 .*q0: the batch was cancelled .* the same command asks anew"):
            source(url, tmp_path, kind).respond(RECIPE, QUESTIONS)
        assert sizes(log) == [6]
        assert source(url, tmp_path, kind).respond(RECIPE, QUESTIONS) == answers()
    assert (sizes(log), set(paid(log).values())) == ([6, 3], {1})


@KINDS
def test_results_that_nobody_asked_for_or_that_come_again_are_told_and_change_nothing(kind, tmp_path, log, caplog):
    with batching(log, "duplicates") as url:
        source(url, tmp_path, kind).respond(RECIPE, QUESTIONS)
    (said,) = [line for line in caplog.messages if "came again" in line]
    assert "nobody-7" in said or "(2 times)" in said


@KINDS
def test_a_request_of_which_an_ended_batch_says_nothing_counts_as_paid_for_and_unknown(kind, tmp_path, log):
    with batching(log, "lacking") as url:
        one = source(url, tmp_path, kind)
        assert one.respond(RECIPE, QUESTIONS) == answers()
    used = one.usage(RECIPE, QUESTIONS)
    assert (sizes(log), used["cost"], used["without_usage"]) == ([6, 3], None, 3)
    assert used["failed_tries"] == {"the batch ended without a word about this request": 3}


@KINDS
def test_an_answer_cut_off_is_handed_in_once_more_with_the_ceiling(kind, tmp_path, log):
    with batching(log, "cut") as url:
        one = source(url, tmp_path, kind, max_tokens_ceiling=400)
        assert one.respond(RECIPE, QUESTIONS) == answers()
    assert sizes(log) == [6, 6]
    assert one.usage(RECIPE, QUESTIONS)["output_tokens"] == 6 * 100 + 6 * 5
    with batching(log, "cut") as url, pytest.raises(UserError, match="max_tokens_ceiling=200 asks for cut answers"):
        source(url, tmp_path / "other", kind).respond(RECIPE, QUESTIONS)


@KINDS
@pytest.mark.parametrize(("trouble", "made"), [("lost", [6]), ("unmade", [6]), ("busy", [6])])
def test_whether_a_batch_was_created_is_found_out_before_another_one_is(kind, trouble, made, tmp_path, log):
    patience = {"timeout": 0.5} if trouble == "unmade" else {}
    with batching(log, trouble) as url:
        assert source(url, tmp_path, kind, **patience).respond(RECIPE, QUESTIONS) == answers()
    assert (sizes(log), set(paid(log).values())) == (made, {1})


@KINDS
def test_a_batch_whose_id_was_lost_is_found_among_others_of_the_same_size(kind, tmp_path, log):
    other = [replace(question, prompt=f"Other {question.prompt}") for question in QUESTIONS]
    with batching(log, ",,lost,,") as url:
        for name in ("a", "b"):
            source(url, tmp_path / name, kind).respond(RECIPE, other)
        assert source(url, tmp_path, kind).respond(RECIPE, QUESTIONS) == answers()
    assert sizes(log) == [6, 6, 6]


@KINDS
def test_no_credit_is_one_sentence_and_what_is_under_way_is_collected_first(kind, tmp_path, log):
    budget = Budget(2.5 * 0.0502)  # two requests of 0.05 dollars, and their prompts
    with batching(log, ",quota", delay=0.2) as url:
        one = source(url, tmp_path, kind, budget, input_price=0.0)
        with pytest.raises(UserError, match=r"refuses every request: 429: .*quota.* direct has 2 of 6 answers"):
            one.respond(RECIPE, QUESTIONS)
    assert (sizes(log), budget.bills["t"].answers) == ([2], 2)


def test_a_batch_that_fails_as_a_whole_says_why(tmp_path, log):
    with (
        batching(log, "failed") as url,
        pytest.raises(UserError, match=r"refuses every request: The model `m` does not"),
    ):
        source(url, tmp_path, OpenAITeacher).respond(RECIPE, QUESTIONS)
    with batching(log, "line") as url, pytest.raises(UserError, match=r"1 of 6 .*q0: 400: This line is bad"):
        source(url, tmp_path / "line", OpenAITeacher).respond(RECIPE, QUESTIONS)
    assert sizes(log) == [6, 6, 5]


def test_where_too_many_tokens_wait_smaller_batches_are_handed_in(tmp_path, log):
    with batching(log, "full,full") as url:
        assert source(url, tmp_path, OpenAITeacher).respond(RECIPE, QUESTIONS) == answers()
    assert sizes(log)[:2] == [6, 3]
    assert set(paid(log).values()) == {1}


@KINDS
def test_a_batch_that_cannot_be_looked_up_is_kept_and_the_way_to_forget_it_is_said(kind, tmp_path, log):
    with batching(log, "gone") as url:
        with pytest.raises(
            UserError, match=r"batch batch_0 cannot be looked up: 404.*the same command goes on"
        ) as told:
            source(url, tmp_path, kind).respond(RECIPE, QUESTIONS)
        with pytest.raises(UserError, match="batch batch_0 cannot be looked up"):
            source(url, tmp_path, kind).respond(RECIPE, QUESTIONS)
        assert sizes(log) == [6]
        (file,) = (tmp_path / "journal").glob("*.batches")
        assert str(file) in str(told.value)
        rows = file.read_text().splitlines(keepends=True)
        file.write_text("".join(row for row in rows if '"requests"' not in row))
        assert source(url, tmp_path, kind).respond(RECIPE, QUESTIONS) == answers()


@KINDS
def test_what_is_begun_is_in_no_estimate_and_is_waited_for_in_either_mode(kind, tmp_path, log):
    with batching(log, delay=0.3) as url:
        one = source(url, tmp_path, kind)
        one.begin(RECIPE, QUESTIONS)
        assert (sizes(log), list((tmp_path / "journal").glob("*.jsonl"))) == ([6], [])
        left = one.estimate(RECIPE, QUESTIONS)
        assert (left.requests, left.cost, left.under_way) == (0, 0.0, 6)
        assert "6 more are under way in a batch" in str(left)
        single = source(url, tmp_path, kind, mode="direct")
        assert single.respond(RECIPE, QUESTIONS) == answers()
    assert (sizes(log), lines(log, "asked")) == ([6], [])


@KINDS
def test_a_limit_lets_so_many_requests_be_under_way_and_the_next_when_these_cost_less(kind, tmp_path, log):
    budget = Budget(0.11)  # a request may cost 0.05 dollars and does cost a quarter of a cent
    with batching(log, delay=0.05) as url:
        one = source(url, tmp_path, kind, budget, input_price=0.0)
        assert one.respond(RECIPE, QUESTIONS) == answers()
    assert sizes(log) == [2, 2, 2]
    assert budget.taken == pytest.approx(6 * 5 * 1000 / 2 / 1e6)


@KINDS
def test_nothing_is_handed_in_beyond_the_limit_and_what_is_bought_stays(kind, tmp_path, log):
    budget = Budget(0.11)
    with batching(log, "cut,cut,cut") as url:
        one = source(url, tmp_path, kind, budget, input_price=0.0, max_tokens_ceiling=100_000)
        with pytest.raises(LimitReached):
            one.respond(RECIPE, QUESTIONS)
    assert sizes(log) == [2]
    assert budget.taken == pytest.approx(0.1)


@KINDS
def test_a_batch_of_an_earlier_command_counts_in_the_limit_of_the_one_that_collects_it(kind, tmp_path, log):
    with batching(log, delay=0.2) as url:
        source(url, tmp_path, kind, Budget(0.11), input_price=0.0).begin(RECIPE, QUESTIONS)
        assert sizes(log) == [2]
        budget = Budget(0.11)
        one = source(url, tmp_path, kind, budget, input_price=0.0)
        one.begin(RECIPE, QUESTIONS)
        assert sizes(log) == [2]
        assert one.respond(RECIPE, QUESTIONS) == answers()
    assert budget.taken == pytest.approx(6 * 0.0025)


@KINDS
def test_a_further_attempt_is_a_batch_of_its_own(kind, tmp_path, log):
    warm = replace(RECIPE, temperature=1.0, tries=2)
    with batching(log) as url:
        one = source(url, tmp_path, kind)
        one.respond(warm, QUESTIONS)
        assert set(one.respond_again(warm, QUESTIONS[:2], 1)) == {"q0", "q1"}
    assert sizes(log) == [6, 2]
    assert one.usage(warm, QUESTIONS)["requests"] == 8


def test_the_id_is_on_disk_before_anything_else_and_the_plan_before_the_batch(tmp_path, log):
    with batching(log, delay=0.2) as url:
        source(url, tmp_path, OpenAITeacher).begin(RECIPE, QUESTIONS)
    (file,) = (tmp_path / "journal").glob("*.batches")
    plan, made = map(json.loads, file.read_text().splitlines())
    assert ([row["question_id"] for row in plan["requests"]], made["id"]) == ([q.id for q in QUESTIONS], "batch_0")
    assert plan["key"] == made["key"]


def test_a_mode_that_is_none_is_refused():
    with pytest.raises(UserError, match=r"teacher\.t: mode='batches' \(one of direct, batch"):
        OpenAITeacher(name="t", model="m", api_key_env=None, mode="batches")  # pyright: ignore[reportArgumentType]


@KINDS
def test_what_is_under_way_is_said_when_the_command_ends(kind, tmp_path, log, caplog):
    caplog.set_level(logging.INFO)
    with batching(log, delay=3) as url:
        source(url, tmp_path, kind).begin(RECIPE, QUESTIONS)
    assert "t: batch batch_0 with 6 requests is under way; the same command goes on with it" in caplog.messages


@KINDS
def test_a_server_without_batches_is_one_sentence_with_the_other_mode(kind, tmp_path, log):
    with faulty(log) as url, pytest.raises(UserError, match=r"refuses every request: 404.*teacher\.t\.mode=direct"):
        source(url, tmp_path, kind).respond(RECIPE, QUESTIONS)
