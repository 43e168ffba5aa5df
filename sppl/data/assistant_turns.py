"""Locates the assistant's turns in a whole conversation, to which the template is applied once.

A turn begins where the template's own mark of what is generated begins, or, without such marks, where the template asks
for it, and ends with the mark that ends it. Both are found in the text and again in the ids, and what stands between
them has to be the turn: otherwise one sentence says which turn it is not.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from sppl.data.rendering import Ids, Rendering
from sppl.schemas import Message, UserError


class Span(NamedTuple):
    """One turn of the assistant, as positions among the ids of a conversation."""

    start: int
    """The end of the prompt for the turn."""
    first: int
    """Its first own id, after what the template writes before it."""
    last: int
    """The first id of what ends it."""
    stop: int
    """The position after it."""


class Spoken(NamedTuple):
    """A conversation's ids up to the end of its last turn, and the assistant's turns in it."""

    ids: Ids
    spans: tuple[Span, ...]


def locate_turns(rendering: Rendering, earlier: Sequence[Message], answer: Sequence[Message]) -> Spoken:
    """Locates the assistant's turns of an answer in the whole conversation.

    Args:
        earlier: the turns before the answer; the assistant's turns among them are not located.
        answer: the turns of the answer, which begins and ends with the assistant.

    Raises:
        UserError: the template refuses the conversation or writes a turn as something else, or nothing that it writes
            says where a turn in the middle is over.
    """
    turns, first = [*earlier, *answer], len(earlier)
    text = rendering.whole_text(turns)
    ids, spans = rendering.ids(text), list[Span]()
    spoken_at = [place for place, turn in enumerate(turns) if turn["role"] == "assistant"]
    marked = rendering.generated(turns)
    blocks = dict(zip(spoken_at, marked, strict=True)) if len(marked) == len(spoken_at) else {}
    for place in (place for place in spoken_at if place >= first):
        found, added = _span(rendering, turns, place, text, ids, blocks.get(place))
        spans.append(found)
        ids = ids[: found.last] + added if added else ids
    stop, opening = spans[-1].stop, rendering.opening
    moved = tuple(Span(*(at + len(opening) for at in span)) for span in spans)
    return Spoken(opening + ids[:stop], moved)


def _span(
    rendering: Rendering, turns: Sequence[Message], place: int, text: str, ids: Ids, block: tuple[int, int] | None
) -> tuple[Span, Ids]:
    """The turn at a place, and what ends it where the template writes no end."""
    asked = text[: block[0]] if block else _asked(rendering, turns, place, text)
    lead = rendering.lead if text.startswith(asked + rendering.lead) else ""
    begins, own = len(asked), len(asked) + len(lead)
    ends, gap, marks = _end(rendering, turns, place, text, own)
    if block and text[ends + len(rendering.decoded(marks)) : block[1]].strip():
        raise _refusal(rendering, turns, place, "marks more than it as generated")
    start, written = len(rendering.ids(asked)), rendering.ids(text[: ends - len(gap)])
    if ids[:start] != rendering.ids(asked):
        raise _refusal(rendering, turns, place, "begins it within a token")
    first = start
    if lead.strip():
        before = rendering.ids(text[:own])
        first = max(start, _alike(before, ids))
    if not marks:
        return Span(start, first, len(written), len(written) + len(rendering.stop)), rendering.stop
    mark = next(at for at in range(first, len(ids)) if ids[at : at + len(marks)] == marks)
    last = len(written) if ids[: len(written)] == written and len(written) <= mark else mark
    if begins > ends or first > last:
        raise _refusal(rendering, turns, place, "writes nothing of it")
    return Span(start, first, last, mark + len(marks)), ()


def _asked(rendering: Rendering, turns: Sequence[Message], place: int, text: str) -> str:
    """The text up to where the template asks for a turn."""
    asked = rendering.prompt_text(turns[:place])
    if not text.startswith(asked):  # some ask with empty thoughts, and keep them out of all turns but the last
        shared = _alike(asked, text)
        asked = asked[:shared] if rendering.says_nothing(asked[shared:]) else asked
    if not text.startswith(asked):
        raise _refusal(rendering, turns, place, "writes what stands before it otherwise once it is answered")
    return asked


def _end(rendering: Rendering, turns: Sequence[Message], place: int, text: str, own: int) -> tuple[int, str, Ids]:
    """The position of a turn's end mark in the text, the blanks before it, and the mark, which may be empty."""
    for marks in rendering.ending_marks:
        mark = rendering.decoded(marks)
        at = text.find(mark, own)
        gap = rendering.gap if at >= 0 and text[own:at].endswith(rendering.gap) else ""
        if at >= 0 and _is(text[own : at - len(gap)], turns[place]):
            return at, gap, marks
    if place == len(turns) - 1 and not rendering.ending_marks:
        content = turns[place]["content"].strip()
        at = text.find(content, own)
        if content and at >= 0 and not text[own:at].strip():
            return at + len(content), "", ()
    if not rendering.ending_marks:
        raise _refusal(
            rendering, turns, place, "ends it with no token of its own, so nothing could teach where it is over"
        )
    raise _refusal(rendering, turns, place, "does not write it as it is")


def _is(written: str, turn: Message) -> bool:
    """Whether a written text is the turn: its text, with the names and values of its calls."""
    calls = turn.get("tool_calls")
    if not calls:
        return _letters(written) == _letters(turn["content"])
    return all(part in _letters(written) for part in map(_letters, (turn["content"], *_parts(calls))))


def _parts(calls: Sequence[dict[str, Any]]) -> Iterator[str]:
    for call in calls:
        yield call["function"]["name"]
        for value in call["function"]["arguments"].values():
            if isinstance(value, int | str) and not isinstance(value, bool):
                yield json.dumps(value, ensure_ascii=False).strip('"')


def _alike(one: Sequence[Any], other: Sequence[Any]) -> int:
    """The length of the common beginning of two sequences."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))))


def _letters(text: str) -> str:
    return "".join(text.split())


def _refusal(rendering: Rendering, turns: Sequence[Message], place: int, why: str) -> UserError:
    said = turns[place]["content"][:60] or "the call of a tool"
    return UserError(
        f"turn {place + 1} of {len(turns)}, the assistant's ({said!r}): the chat template of {rendering.name} {why}. "
        "Mend chat_template.jinja in the model's folder, take a target whose template writes such turns, or leave the "
        "conversation out: benchmark.without=[ID]"
    )
