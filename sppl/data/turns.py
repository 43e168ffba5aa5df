"""Reads one question and one response from the turns of a chat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sppl.data.conversations import SPEAKERS, BadTurns
from sppl.data.values import NotText, text_of

SEVERAL_TURNS = "; benchmark.questions.turns=all or turns=last reads conversations of several turns"


@dataclass(frozen=True)
class Turns:
    """The texts of a chat's turns; empty where a speaker has none."""

    system: str = ""
    question: str = ""
    response: str = ""
    unread: tuple[str, ...] = ()
    """Further keys of turns, which were not read."""


def read_turns(turns: Any, speaker: str, said: str) -> Turns:
    """Reads one turn each of the system, the user and the assistant.

    Args:
        turns: what a file holds.
        speaker: the key of who speaks.
        said: the key of what is said.

    Raises:
        BadTurns: it is no list of turns, someone speaks twice or out of turn, or a turn holds no text.
    """
    if not isinstance(turns, list) or not all(isinstance(turn, Mapping) for turn in turns):
        raise BadTurns("a list of turns is wanted")
    found: dict[str, str] = {}
    for place, turn in enumerate(turns, start=1):
        role = SPEAKERS.get(str(turn.get(speaker)))
        if role is None or role == "tool":
            more = SEVERAL_TURNS if role else ""
            raise BadTurns(f"turn {place}: `{speaker}` is user, assistant or system, not {turn.get(speaker)!r}{more}")
        if role in found:
            raise BadTurns(
                f"one question and one answer are wanted, turn {place} is another of the {role}{SEVERAL_TURNS}"
            )
        if [*found, role] != [one for one in ("system", "user", "assistant") if one in {*found, role}]:
            raise BadTurns(f"turn {place}: the {role} speaks after the {list(found)[-1]}")
        try:
            found[role] = text_of(turn.get(said))
        except NotText as bad:
            raise BadTurns(f"turn {place}, `{said}`: {bad}") from None
        if not found[role].strip() and role != "system":
            raise BadTurns(f"turn {place}, `{said}`: the {role} says nothing")
    others = {str(key) for turn in turns for key, value in turn.items() if key not in (speaker, said) and value}
    return Turns(
        found.get("system", ""), found.get("user", ""), found.get("assistant", ""), tuple(sorted(others))
    )  # fmt: skip
