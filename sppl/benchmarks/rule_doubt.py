"""Finds responses that name the gold answer and are judged wrong, which casts doubt on the answer rule."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sppl.schemas import Question

LEAST, SHARE = 3, 0.1
"""The number and the share of such responses from which the rule is doubted."""
SHOWN = 3
"""How many examples a warning shows."""
TAIL = 200
"""Characters at the end of a response that are looked through."""


class Judged(NamedTuple):
    """A response with its verdict."""

    question: Question
    text: str
    right: bool


def names_gold(question: Question, text: str) -> bool:
    """Whether the end of a text holds the gold answer as whole words, in upper or lower case."""
    gold = " ".join(question.answer.casefold().split())
    tail = " ".join(text[-max(TAIL, 2 * len(gold)) :].casefold().split())
    return bool(gold) and re.search(rf"(?<!\w){re.escape(gold)}(?!\w)", tail) is not None


def find_doubtful(judged: Sequence[Judged]) -> list[Judged]:
    """Returns the responses that are judged wrong and name the gold answer; empty where they are too few."""
    found = [one for one in judged if not one.right and names_gold(one.question, one.text)]
    return found if len(found) >= max(LEAST, SHARE * len(judged)) else []


def describe_examples(found: Iterable[Judged], n: int = SHOWN) -> list[str]:
    """Returns the first ones in words: the gold answer, and the end of the response."""
    return [
        f"{one.question.id}: gold {one.question.answer[:40]!r}, response ending in {one.text[-60:]!r}"
        for one in list(found)[:n]
    ]
