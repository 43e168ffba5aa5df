"""Whether a rule fits own answers: responses that end with the gold answer and are judged wrong nevertheless."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sppl.schemas import Question

LEAST, SHARE = 3, 0.1
"""So many such responses, and this share of all, are a reason to doubt the rule."""
SHOWN = 3
"""Examples of a warning."""
TAIL = 200
"""Characters at the end of a response that are looked through."""


class Judged(NamedTuple):
    """A response and what the rule says of it."""

    question: Question
    text: str
    right: bool


def names_gold(question: Question, text: str) -> bool:
    """Whether the gold answer stands in the end of a text, as whole words, whatever its letters' case."""
    gold = " ".join(question.answer.casefold().split())
    tail = " ".join(text[-max(TAIL, 2 * len(gold)) :].casefold().split())
    return bool(gold) and re.search(rf"(?<!\w){re.escape(gold)}(?!\w)", tail) is not None


def find_doubtful(judged: Sequence[Judged]) -> list[Judged]:
    """The responses that are judged wrong and name the gold answer; none where they are too few to mean something."""
    found = [one for one in judged if not one.right and names_gold(one.question, one.text)]
    return found if len(found) >= max(LEAST, SHARE * len(judged)) else []


def describe_examples(found: Iterable[Judged], n: int = SHOWN) -> list[str]:
    """The first ones in words: the gold answer, and what the response ends with."""
    return [
        f"{one.question.id}: gold {one.question.answer[:40]!r}, response ending in {one.text[-60:]!r}"
        for one in list(found)[:n]
    ]
