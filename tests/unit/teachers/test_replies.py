"""Only what is finished is an answer; whatever is none says why."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.teachers.api import AnthropicTeacher, OpenAITeacher
from sppl.teachers.replies import anthropic_reply, openai_reply, read_usage
from sppl.teachers.teacher import Cut, Decoding, NoAnswer, Refused, Rejected, Reply, Transient

OPENAI = OpenAITeacher(name="t", model="m", api_key_env=None)
ANTHROPIC = AnthropicTeacher(name="t", model="m", api_key_env=None)
WARM, COLD = Decoding(0.7, 100), Decoding(0.0, 100)
FINISHED = {"stop", "end_turn", "stop_sequence"}
OPEN_ENDED = {"length": Cut, "max_tokens": Cut}


def chat(content="Yes.", finish="stop", usage=None, **more):
    message = {"role": "assistant", "content": content, **more}
    told = {} if usage is None else {"usage": usage}
    return {"choices": [{"message": message, "finish_reason": finish}], **told}


def said(content="Yes.", stop="end_turn", **more):
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return {"type": "message", "content": blocks, "stop_reason": stop, **more}


def endings_of_the_sdks():
    from anthropic.types import StopReason
    from anthropic.types.beta import BetaStopReason
    from openai.types.chat.chat_completion import Choice

    openai = get_args(Choice.model_fields["finish_reason"].annotation)
    anthropic = {*get_args(StopReason), *get_args(BetaStopReason)}
    return [("openai", one) for one in sorted(openai)] + [("anthropic", one) for one in sorted(anthropic)]


@pytest.mark.parametrize(("api", "ending"), endings_of_the_sdks())
def test_of_every_ending_the_sdks_know_only_the_finished_ones_are_answers(api, ending):
    def read():
        if api == "openai":
            return openai_reply(chat(finish=ending), OPENAI, WARM)
        return anthropic_reply(said(stop=ending), ANTHROPIC, WARM)

    if ending in FINISHED:
        assert read() == Reply("Yes.", None, ending)
        return
    with pytest.raises(NoAnswer, match=rf"=({ending})\)") as told:
        read()
    assert type(told.value) is OPEN_ENDED.get(ending, Rejected)
    assert "nothing says" not in str(told.value)  # each has a reason of its own


@pytest.mark.parametrize(
    "ending", ["eos", "abort", "error", "END_TURN", "Stop", "", None, 1, {"reason": "stop"}, ["stop"]]
)
def test_an_ending_nobody_has_told_us_of_is_none_and_the_setting_that_allows_it_is_named(ending):
    with pytest.raises(Rejected, match=r"nothing says that the answer is finished .*'teacher\.t\.finished=\[stop,"):
        openai_reply(chat(finish=ending), OPENAI, WARM)


@pytest.mark.parametrize(("ending", "word"), [("eos", "eos"), (None, "none")])
def test_an_ending_that_a_teachers_file_lists_is_finished(ending, word):
    teacher = OpenAITeacher(name="t", model="m", api_key_env=None, finished=("stop", word))
    assert openai_reply(chat(finish=ending), teacher, WARM) == Reply("Yes.", None, word)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("  A\n", "  A\n"),
        ([{"type": "text", "text": "A "}, {"type": "text", "text": "B"}], "A B"),
        (["A ", {"text": "B"}], "A B"),
        ([{"type": "output_text", "text": "A"}, None], "A"),
        ([{"type": "thinking", "thinking": "hm"}, {"type": "redacted_thinking"}, {"type": "text", "text": "A"}], "A"),
        ([{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "A"}], "A"),
        ({"type": "text", "text": "A"}, "A"),
    ],
)
def test_content_is_a_text_or_the_texts_of_its_parts_without_thoughts(content, text):
    assert openai_reply(chat(content), OPENAI, WARM).text == text


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (chat(None), Transient, "an empty answer"),
        (chat(" \n"), Transient, "an empty answer"),
        (chat([]), Transient, "an empty answer"),
        (chat([{"type": "thinking", "thinking": "hm"}]), Transient, "an empty answer"),
        (chat(5), Rejected, "the answer has content of type int, which is no text"),
        (chat([{"type": "image_url"}]), Rejected, "the answer has a part of type image_url, which is no text"),
        (chat([{"type": "text", "text": 5}]), Rejected, "the answer has a part of type text, which is no text"),
        (chat([{"type": "refusal", "refusal": "No."}]), Rejected, "the teacher refused to answer: No."),
        (chat(None, refusal="I will not."), Rejected, "the teacher refused to answer: I will not."),
        (chat("Partly", refusal="I will not."), Rejected, "the teacher refused to answer: I will not."),
        ({"choices": []}, Transient, "the server answered without a choice"),
        ({"choices": None}, Transient, "the server answered without a choice"),
        ({"choices": [None]}, Transient, "the server answered without a choice"),
        ({"choices": "none"}, Transient, "the server answered without a choice"),
        ({"choices": [{"finish_reason": "stop"}]}, Transient, "the server answered without a message"),
        ({"choices": [{"message": "hi", "finish_reason": "stop"}]}, Transient, "the server answered without a message"),
        ({"hello": 1}, Transient, 'the server answered without a choice: {"hello": 1}'),
        ([], Transient, "the server answered without a choice: []"),
        ("hi", Transient, 'the server answered without a choice: "hi"'),
        (None, Transient, "the server answered without a choice: null"),
        ({"error": {"message": "down", "code": 502}}, Transient, "502: an error in an answer's place: down"),
        ({"message": "Insufficient credits"}, Refused, "an error in an answer's place: Insufficient credits. Its acc"),
        (
            {"detail": "model x not found", "code": 404},
            Refused,
            "404: an error in an answer's place: model x not found",
        ),
        (
            {"choices": [{"finish_reason": "error", "error": {"code": 429, "message": "full"}, "message": {}}]},
            Transient,
            "429: an error in an answer's place: full",
        ),
    ],
)
def test_what_is_no_answer_says_why(body, kind, why):
    with pytest.raises(kind) as told:
        openai_reply(body, OPENAI, WARM)
    assert str(told.value).startswith(why)


def test_anthropics_refusal_says_why_it_refuses():
    details = {"type": "refusal", "category": "cyber", "explanation": "It could do harm."}
    with pytest.raises(Rejected, match="the teacher refused to answer: It could do harm"):
        anthropic_reply(said(stop="refusal", stop_details=details), ANTHROPIC, WARM)
    with pytest.raises(Rejected, match=r"the teacher refused to answer \(stop_reason=refusal\)"):
        anthropic_reply(said(stop="refusal"), ANTHROPIC, WARM)
    with pytest.raises(Rejected, match="a part of type tool_use, which is no text"):
        anthropic_reply(said([{"type": "text", "text": "A"}, {"type": "tool_use", "id": "x"}]), ANTHROPIC, WARM)
    with pytest.raises(Transient, match="the server answered without content"):
        anthropic_reply({"type": "message", "stop_reason": "end_turn"}, ANTHROPIC, WARM)


def test_an_empty_answer_of_a_greedy_teacher_would_come_again():
    with pytest.raises(Rejected, match="an empty answer"):
        openai_reply(chat(""), OPENAI, COLD)
    with pytest.raises(Rejected, match="an empty answer"):
        anthropic_reply(said([]), ANTHROPIC, COLD)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5}, (10, 5)),
        ({"prompt_tokens": 10.0, "completion_tokens": 0}, (10, 0)),
        (None, None),
        ("many", None),
        ([10, 5], None),
        ({}, None),
        ({"prompt_tokens": 10}, None),
        ({"prompt_tokens": "10", "completion_tokens": "5"}, None),
        ({"prompt_tokens": -1, "completion_tokens": 5}, None),
        ({"prompt_tokens": 1.5, "completion_tokens": 5}, None),
        ({"prompt_tokens": True, "completion_tokens": 5}, None),
        ({"prompt_tokens": float("nan"), "completion_tokens": float("inf")}, None),
        ({"prompt_tokens": None, "completion_tokens": 5}, None),
    ],
)
def test_usage_is_two_whole_numbers_or_unknown_and_belongs_to_failed_tries_too(usage, tokens):
    body = chat() | {"usage": usage}
    assert read_usage(body, "prompt_tokens", "completion_tokens") == tokens
    assert openai_reply(body, OPENAI, WARM).tokens == tokens
    with pytest.raises(Cut) as cut:
        openai_reply(chat(finish="length") | {"usage": usage}, OPENAI, WARM)
    assert cut.value.tokens == tokens


NAMES = [
    "choices",
    "message",
    "content",
    "finish_reason",
    "stop_reason",
    "error",
    "usage",
    "type",
    "text",
    "refusal",
    "code",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=4) | st.sampled_from(["stop", "text", "end_turn"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@given(JSON, st.sampled_from([openai_reply, anthropic_reply]))
def test_any_json_is_a_finished_answer_or_a_reason(body, read):
    teacher = OPENAI if read is openai_reply else ANTHROPIC
    try:
        reply = read(json.loads(json.dumps(body)), teacher, WARM)
    except NoAnswer as error:
        assert str(error)  # noqa: PT017 - both endings are right
    else:
        assert reply.text.strip()
        assert reply.ended in FINISHED
