"""Adds up the requests to one teacher, as far as the server reports: answers, tokens, dollars, failed tries."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sppl.schemas import Message
from sppl.teachers.teacher import NONE, Tokens, cost

MARKS = 16
"""Tokens for the marks around a message, at most."""
IN_BATCH = 0.5
"""The share of the price that a token costs in a batch, with both OpenAI and Anthropic."""


@dataclass
class Bill:
    """The sums of one teacher's requests, added as they come in.

    Args:
        teacher: its name.
        prices: US dollars per million tokens read and written; None if not known.
        batched: the tokens among them that were read and written in batches, which cost less.
        batches: requests that were answered in batches.
        silent: requests whose tokens are not known.
        failed: reasons of the tries without an answer.
        above: tokens read and written beyond what `most` had foreseen, the largest so far.
    """

    teacher: str
    prices: tuple[float, float] | None
    answers: int = 0
    tokens: Tokens = NONE
    batched: Tokens = NONE
    batches: int = 0
    silent: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    above: Tokens = NONE

    def add(self, tokens: Tokens | None, why: str = "", *, batch: bool = False) -> None:
        """Adds a request that was answered or, with a reason, was not; `tokens` is None where they are not known."""
        self.answers += not why
        self.batches += batch and not why
        self.failed.update([why] if why else [])
        self.silent += tokens is None
        self.tokens = _both(self.tokens, tokens or NONE)
        self.batched = _both(self.batched, (tokens or NONE) if batch else NONE)

    def most(self, messages: Sequence[Message], max_tokens: int) -> Tokens:
        """Returns the most tokens a request may take: a token per byte, the limit, and the excess seen so far."""
        read = MARKS + sum(MARKS + len(one["content"].encode(errors="replace")) for one in messages)
        return _both((read, max_tokens), self.above)

    def dollars(self, tokens: Tokens, *, batch: bool = False) -> float:
        """Returns what so many tokens cost; 0 where the price is not known."""
        return (cost(self.prices, *tokens) or 0.0) * (IN_BATCH if batch else 1)

    def learn(self, foreseen: Tokens, tokens: Tokens | None) -> None:
        """Remembers by how much a request exceeded the estimate, as a server may add a prompt of its own."""
        read, written = tokens or NONE
        self.above = (
            self.above[0] + max(0, read - foreseen[0]),
            self.above[1] + max(0, written - foreseen[1]),
        )

    def usage(self) -> Mapping[str, Any]:
        """Returns the sums in plain data; `cost` is None where a price or the tokens of a request are not known.

        Where there are such requests `without_usage` says how many, and `known_cost` what the others cost.
        """
        known = cost(self.prices, *self.tokens)
        known = known and known - self.dollars(self.batched) * (1 - IN_BATCH)
        sums = {
            "teacher": self.teacher,
            "requests": self.answers,
            "input_tokens": self.tokens[0],
            "output_tokens": self.tokens[1],
            "cost": None if self.silent else known,
            "failed_tries": dict(self.failed),
        }
        sums |= {"in_batches": self.batches} if self.batches else {}
        return sums | ({"without_usage": self.silent, "known_cost": known} if self.silent else {})


def _both(one: Tokens, other: Tokens) -> Tokens:
    return one[0] + other[0], one[1] + other[1]
