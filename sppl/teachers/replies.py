"""Reads the body of an answer: the text, how it ended, the tokens. Missing parts are reported, never guessed.

Only an answer that ended with one of a list of reasons is one. All others are tries that failed: those cut off at the
limit, refused, filtered, handed to a tool, paused, and those that ended in a way nobody has told us of.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from sppl.teachers.endpoint import Endpoint
from sppl.teachers.faults import classify_error, read_error
from sppl.teachers.teacher import Cut, Decoding, NoAnswer, Rejected, Reply, Tokens, Transient

LIMIT = ("length", "max_tokens", "max_output_tokens")
UNFINISHED = {
    "content_filter": "the server's filter withheld the answer",
    "safety": "the server's filter withheld the answer",
    "refusal": "the teacher refused to answer",
    "tool_calls": "it called a tool instead of answering",
    "function_call": "it called a tool instead of answering",
    "tool_use": "it called a tool instead of answering",
    "pause_turn": "it paused in the middle of its turn",
    "compaction": "it stopped to sum up the conversation",
    "model_context_window_exceeded": "the model's context was full before the answer's end",
}
"""The other reasons for an end in OpenAI's and Anthropic's SDKs."""
CACHED = ("cache_creation_input_tokens", "cache_read_input_tokens")
"""Anthropic counts these beside `input_tokens`; here they cost the same, though those read again are cheaper."""
ASIDE = {"thinking", "redacted_thinking", "reasoning", "reasoning_content"}
"""Parts of an answer that are not its text."""


def openai_reply(body: Any, teacher: Endpoint, decoding: Decoding, *, empty: bool = False) -> Reply:
    """Returns the answer in the body of a chat completion; raises NoAnswer where it holds none.

    Args:
        empty: whether an empty text counts as an answer.
    """
    tokens = read_usage(body, "prompt_tokens", "completion_tokens")
    choices = body.get("choices") if isinstance(body, Mapping) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    _refuse_error(body, choice, teacher, tokens)
    if not isinstance(choice, Mapping):
        _without(body, "a choice", teacher, tokens)
    message = choice.get("message")
    if not isinstance(message, Mapping):
        _without(body, "a message", teacher, tokens)
    ended, refusal = _word(choice.get("finish_reason")), message.get("refusal")
    _refuse_unfinished(f"finish_reason={ended}", refusal, teacher, decoding, tokens)
    text = _text(message.get("content"), tokens)
    return Reply(text if empty else _filled(text, teacher.greedy(decoding), tokens), tokens, ended)


def anthropic_reply(body: Any, teacher: Endpoint, decoding: Decoding) -> Reply:
    """Returns the answer in the body of one of Anthropic's messages; raises NoAnswer where it holds none."""
    tokens = read_usage(body, "input_tokens", "output_tokens", *CACHED)
    _refuse_error(body, None, teacher, tokens)
    if not isinstance(body, Mapping) or "content" not in body:
        _without(body, "content", teacher, tokens)
    details = body.get("stop_details")
    refusal = details.get("explanation") if isinstance(details, Mapping) else None
    ended = _word(body.get("stop_reason"))
    _refuse_unfinished(f"stop_reason={ended}", refusal, teacher, decoding, tokens)
    return Reply(_filled(_text(body["content"], tokens), teacher.greedy(decoding), tokens), tokens, ended)


def read_usage(body: Any, read: str, written: str, *also_read: str) -> Tokens | None:
    """Returns the tokens in `usage`, cached ones included; None unless all are whole numbers of at least 0."""
    usage = body.get("usage") if isinstance(body, Mapping) else None
    if not isinstance(usage, Mapping):
        return None
    further = [usage[name] for name in also_read if usage.get(name) is not None]
    numbers = [usage.get(read), usage.get(written), *further]
    if not all(isinstance(n, int | float) and not isinstance(n, bool) and n >= 0 and n == n // 1 for n in numbers):
        return None
    return int(numbers[0]) + sum(map(int, further)), int(numbers[1])


def _refuse_error(body: Any, choice: Any, teacher: Endpoint, tokens: Tokens | None) -> None:
    """Raises the exception for an error in a body that came with the HTTP status 200."""
    for part in (body, choice):
        if isinstance(part, Mapping) and (part.get("error") or part.get("type") == "error"):
            raise _fault(part, teacher, tokens)


def _fault(part: Mapping[str, Any], teacher: Endpoint, tokens: Tokens | None) -> NoAnswer:
    said = read_error(part)
    return classify_error(
        said.status, replace(said, message=f"an error in an answer's place: {said.message}"), teacher, tokens=tokens
    )


def _without(body: Any, what: str, teacher: Endpoint, tokens: Tokens | None) -> NoReturn:
    """Raises that something is missing in the body, or the exception for an error in another form."""
    if isinstance(body, Mapping) and any(body.get(name) for name in ("errors", "detail", "message", "msg")):
        raise _fault(body, teacher, tokens)
    odd = not isinstance(body, Mapping) or not body.keys() & {"choices", "content"}
    shown = f": {' '.join(json.dumps(body, ensure_ascii=False).split())[:200]}" if odd else ""
    raise Transient(f"the server answered without {what}{shown}", tokens=tokens)


def _refuse_unfinished(ended: str, refusal: Any, teacher: Endpoint, decoding: Decoding, tokens: Tokens | None) -> None:
    """Raises why an answer that ended like this (`field=reason`) is not finished."""
    reason = ended.partition("=")[2]
    if isinstance(refusal, str) and refusal.strip():
        raise Rejected(f"the teacher refused to answer: {' '.join(refusal.split())[:200]}", tokens=tokens)
    if reason in teacher.finished:
        return
    if reason.lower() in LIMIT:
        raise Cut(f"cut off after {decoding.max_tokens} tokens ({ended})", tokens=tokens)
    if why := UNFINISHED.get(reason.lower()):
        raise Rejected(f"{why} ({ended})", tokens=tokens)
    raise Rejected(
        f"nothing says that the answer is finished ({ended}); finished ones end with {', '.join(teacher.finished)}. If "
        f"this server means the same: '{teacher.group}.finished=[{','.join([*teacher.finished, reason])}]'",
        tokens=tokens,
    )


def _word(value: Any) -> str:
    """How an answer ended, `none` where the server gives null."""
    return value if isinstance(value, str) else "none" if value is None else json.dumps(value)


def _filled(text: str, greedy: bool, tokens: Tokens | None) -> str:
    """The text; raises NoAnswer where it is empty, for good if the teacher is greedy."""
    if not text.strip():
        raise (Rejected if greedy else Transient)("an empty answer", tokens=tokens)
    return text


def _text(content: Any, tokens: Tokens | None) -> str:
    """A text, or the texts in a list of parts, one after the other; parts that are thoughts are left out.

    Raises:
        NoAnswer: there are parts of other kinds, which would be lost.
    """
    found: list[str] = []
    for part in content if isinstance(content, list) else [content]:
        kind = part.get("type", "text") if isinstance(part, Mapping) else ""
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, Mapping) and isinstance(part.get("text"), str) and kind in ("text", "output_text"):
            found.append(part["text"])
        elif isinstance(part, Mapping) and kind == "refusal":
            raise Rejected(f"the teacher refused to answer: {str(part.get('refusal'))[:200]}", tokens=tokens)
        elif part is not None and kind not in ASIDE:
            what = f"a part of type {kind}" if kind else f"content of type {type(part).__name__}"
            raise Rejected(f"the answer has {what}, which is no text", tokens=tokens)
    return "".join(found)
