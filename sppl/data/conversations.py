"""Conversations as turns: checks their order, splits off the response, and writes several turns as one text."""

import json
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, Literal, cast

from sppl.data.values import NotText, text_of
from sppl.schemas import Conversation, Message, Question

SPEAKERS = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "system": "system",
    "tool": "tool",
    "observation": "tool",
}
FURTHER = ("tool_calls", "tool_call_id", "name")
"""Further keys a turn may have."""
Taken = Literal["last", "all"]
"""The part of a conversation that is the response: its last turn, or all turns from the assistant's first on."""


class BadTurns(Exception):
    """Turns that are no conversation; the message says which turn, and why."""


def read_conversation(turns: Any, speaker: str, said: str) -> tuple[list[Message], tuple[str, ...]]:
    """Returns the turns of a conversation, and the keys of turns that were not read.

    Args:
        turns: what a file holds.
        speaker: the key of who speaks.
        said: the key of what is said.

    Raises:
        BadTurns: it is no list of turns, a turn says nothing, or one follows another that it cannot follow.
    """
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, Mapping) for turn in turns):
        raise BadTurns("a list of turns is wanted")
    found: list[Message] = []
    for place, turn in enumerate(turns, start=1):
        message = _message(place, turn, speaker, said)
        if why := _misplaced(message, found):
            raise BadTurns(f"turn {place}: {why}")
        found.append(message)
    if not any(message["role"] == "user" for message in found):
        raise BadTurns("the user asks nothing")
    known = (speaker, said, *FURTHER)
    return found, tuple(
        sorted({str(key) for turn in turns for key, value in turn.items() if key not in known and value})
    )


def split_response(turns: Sequence[Message], taken: Taken) -> tuple[list[Message], list[Message]]:
    """Splits turns into those before the response and the response, empty where the assistant does not speak last.

    Raises:
        BadTurns: the response is a text, and the conversation ends with the call of a tool.
    """
    if turns[-1]["role"] != "assistant":
        return list(turns), []
    if taken == "all":
        first = next(place for place, turn in enumerate(turns) if turn["role"] == "assistant")
        return list(turns[:first]), list(turns[first:])
    if turns[-1].get("tool_calls"):
        raise BadTurns(
            f"turn {len(turns)}: the conversation ends with the call of a tool, and the last answer is wanted as a "
            "text; benchmark.questions.turns=all takes calls too"
        )
    return list(turns[:-1]), list(turns[-1:])


def write_turns(turns: Sequence[Message]) -> str:
    """Returns the turns of a response as one text, a JSON list."""
    return json.dumps(list(turns), ensure_ascii=False)


def turns_before(question: Question, prompt: str | None = None) -> list[Message]:
    """Returns the turns before the response; `prompt`, if given, replaces the user's last one."""
    said = question.prompt if prompt is None else prompt
    if not isinstance(question, Conversation):
        return [Message(role="user", content=said)]
    turns = list(question.turns)
    last = max(place for place, turn in enumerate(turns) if turn["role"] == "user")
    turns[last] = cast("Message", {**turns[last], "content": said})
    return turns


def answer_turns(question: Question, response: str) -> list[Message]:
    """Returns the turns of a response."""
    if isinstance(question, Conversation) and question.whole:
        return json.loads(response)
    return [Message(role="assistant", content=response)]


def final_answer(question: Question, response: str) -> str:
    """Returns the text that is judged: what the assistant says last."""
    return answer_turns(question, response)[-1]["content"]


def _message(place: int, turn: Mapping[str, Any], speaker: str, said: str) -> Message:
    role = SPEAKERS.get(str(turn.get(speaker)))
    if role is None:
        raise BadTurns(f"turn {place}: `{speaker}` is user, assistant, system or tool, not {turn.get(speaker)!r}")
    try:
        message = Message(role=role, content=text_of(turn.get(said)))
        for key in ("tool_call_id", "name"):
            if text := text_of(turn.get(key)):
                message[key] = text
    except NotText as bad:
        raise BadTurns(f"turn {place}, `{said}`: {bad}") from None
    if turn.get("tool_calls"):
        if role != "assistant":
            raise BadTurns(f"turn {place}, `tool_calls`: only the assistant calls tools, and this is the {role}")
        message["tool_calls"] = _calls(place, turn["tool_calls"])
    if not message["content"].strip() and role != "tool" and "tool_calls" not in message:
        raise BadTurns(f"turn {place}, `{said}`: the {role} says nothing")
    return message


def _calls(place: int, calls: Any) -> list[dict[str, Any]]:
    """Calls of tools with their arguments as an object, which is what templates write.

    Raises:
        BadTurns: a call has no function with a name, or its arguments are no JSON object.
    """
    if not isinstance(calls, list):
        raise BadTurns(f"turn {place}, `tool_calls`: a list is wanted, this is a {type(calls).__name__}")
    found = []
    for call in calls:
        function = call.get("function", call) if isinstance(call, Mapping) else None
        name = function.get("name") if isinstance(function, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(name, str) or not name:
            raise BadTurns(
                f"turn {place}, `tool_calls`: a call is {{function: {{name, arguments}}}}, not {call!r}"[:300]
            )
        arguments = function.get("arguments") or {}
        try:
            arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
        except json.JSONDecodeError:
            arguments = None
        if not isinstance(arguments, dict):
            raise BadTurns(f"turn {place}, `tool_calls`: the arguments of {name} are no JSON object")
        one: dict[str, Any] = {"type": "function", "function": {"name": name, "arguments": arguments}}
        found.append(({"id": str(call["id"])} if call.get("id") else {}) | one)
    return found


def _misplaced(turn: Message, earlier: Sequence[Message]) -> str:
    """Why a turn cannot follow the earlier ones; empty if it can."""
    role, last = turn["role"], earlier[-1]["role"] if earlier else ""
    calls, results = _under_way(earlier)
    if role == "system":
        return "a system turn stands first, not after others" if last else ""
    if role == "tool":
        return _unasked(turn, calls, results)
    if results < len(calls):
        return f"the {role} speaks, and of {len(calls)} calls of tools before it {results} returned a result"
    if role == last:
        return f"the {role} speaks twice in a row; join the two turns"
    if role == "assistant" and last in ("", "system"):
        return "the assistant speaks before the user"
    return (
        "the user speaks where the assistant has not answered a tool's result"
        if (role, last) == ("user", "tool")
        else ""
    )


def _under_way(earlier: Sequence[Message]) -> tuple[list[dict[str, Any]], int]:
    """The calls of tools that were made last, and how many of their results have followed."""
    results = len(list(takewhile(lambda turn: turn["role"] == "tool", reversed(earlier))))
    caller = earlier[-1 - results] if results < len(earlier) else Message(role="", content="")
    return caller.get("tool_calls") or [], results


def _unasked(turn: Message, calls: Sequence[Mapping[str, Any]], results: int) -> str:
    """Why a tool's result belongs to no call; empty if it does."""
    if results >= len(calls):
        return "the result of a tool that was not called"
    named, own = [call["id"] for call in calls if "id" in call], turn.get("tool_call_id")
    if own and named and own not in named:
        return f"the result of the call {own!r}, and the calls before it are {', '.join(named)}"
    return ""
