"""What a user's record says, whichever of the usual formats it is written in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sppl.data.reading import Record

KNOWN = (
    "{question, answer[, gold_label]}, {prompt, completion}, {instruction[, input], output}, "
    "{instruction, teacher_output}, {messages: [{role, content}]}, {conversations: [{from, value}]}"
)
QUESTION = ("question", "prompt", "instruction")
RESPONSE = ("response", "teacher_output", "completion", "output")
GOLD = ("gold_label", "gold", "label")
SPEAKERS = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}
KEPT = ("options", "answers")
"""Fields a judge can use, passed on as they are."""


class BadField(Exception):
    """A field's value will not do."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.name, self.why = name, why


@dataclass(frozen=True)
class Entry:
    """One record in the words of the house; an empty string is what the record does not say."""

    id: str = ""
    question: str = ""
    response: str = ""
    gold: str = ""
    solution: str = ""
    split: str = ""
    strategy: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


def entry(record: Record, names: Mapping[str, str], *, answer_is_gold: bool) -> Entry:
    """The record read by its fields, or by `names` (ours to the file's) where those are given.

    Args:
        answer_is_gold: whether a field `answer` beside no other gold field is the gold answer (a file of questions) or
            the response (a strategy's file).

    Raises:
        BadField: a field is absent, empty or of another type.
    """
    question, response = _turns(record)
    known = {
        "question": question or _task(record),
        "response": response or _first(record, RESPONSE),
        "gold": _first(record, GOLD),
    }
    if "answer" in record:
        target = "gold" if answer_is_gold and not known["gold"] else "response"
        known[target] = known[target] or _text(record, "answer")
    for name in ("id", "solution", "split", "strategy"):
        known[name] = _text(record, name) if record.get(name) is not None else ""
    for ours, theirs in names.items():
        if ours not in KEPT and theirs in record:  # a file of questions need not have the field of the responses
            known[ours] = _text(record, theirs)
    kept = {ours: record[names.get(ours, ours)] for ours in KEPT if record.get(names.get(ours, ours)) is not None}
    for name, value in kept.items():
        if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(one, str) for one in value):
            raise BadField(name, "a list of strings is wanted")
    for name, text in known.items():
        _encodable(name, text)
    return Entry(**known, fields=kept)


def _task(record: Record) -> str:
    text = _first(record, QUESTION)
    if text and "instruction" in record and not any(name in record for name in ("question", "prompt")):
        return "\n\n".join(part for part in (text, _text(record, "input") if record.get("input") else "") if part)
    return text


def _first(record: Record, names: Sequence[str]) -> str:
    for name in names:
        if record.get(name) is not None:
            value = record[name]
            if isinstance(value, list) and value and isinstance(value[0], Mapping):  # prompt/completion as messages
                return _only(name, [str(turn.get("content", "")) for turn in value])
            return _text(record, name)
    return ""


def _turns(record: Record) -> tuple[str, str]:
    """Question and response of a chat; empty strings where the record is none."""
    for name, speaker, said in (("messages", "role", "content"), ("conversations", "from", "value")):
        if name not in record:
            continue
        turns = record[name]
        if not isinstance(turns, list) or not all(isinstance(turn, Mapping) for turn in turns):
            raise BadField(name, "a list of turns is wanted")
        found: dict[str, list[str]] = {"system": [], "user": [], "assistant": []}
        for turn in turns:
            role = SPEAKERS.get(str(turn.get(speaker)))
            if role is None or not isinstance(turn.get(said), str):
                raise BadField(name, f"a turn needs `{speaker}` (user, assistant, system) and `{said}` (a string)")
            found[role].append(turn[said])
        question = "\n\n".join([*found["system"], _only(name, found["user"])])
        return question, _only(name, found["assistant"]) if found["assistant"] else ""
    return "", ""


def _only(name: str, turns: Sequence[str]) -> str:
    if len(turns) != 1:
        raise BadField(name, f"one question and one answer are wanted, found {len(turns)} turns of one speaker")
    return turns[0]


def _text(record: Record, name: str) -> str:
    value = record[name]
    if isinstance(value, bool | int | float):
        return str(value)
    if not isinstance(value, str):
        raise BadField(name, f"text is wanted, this is {'empty' if value is None else 'a ' + type(value).__name__}")
    return value


def _encodable(name: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadField(name, "it holds half of a character (a lone surrogate)") from None
