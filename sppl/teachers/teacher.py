"""The interface of teachers: the settings of a model, and a session that answers requests."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from sppl.schemas import Message

Tokens = tuple[int, int]
"""Tokens read and written."""
NONE: Tokens = (0, 0)


@dataclass(frozen=True)
class Decoding:
    """How a teacher samples; None leaves the temperature to the API."""

    temperature: float | None
    max_tokens: int
    seed: int = 0
    """Counts the attempts at one question; only models that run here use it."""


@dataclass(frozen=True)
class Reply:
    """One finished answer.

    Args:
        text: never empty.
        tokens: what it used; None where the server does not say.
        ended: the server's word for how it ended, one of those that mean a finished answer.
        pause: seconds the server wants to be left alone.
    """

    text: str
    tokens: Tokens | None
    ended: str = ""
    pause: float = 0.0


class NoAnswer(Exception):
    """A try without a finished answer, and why; `tokens` were used in vain, None if they are not known."""

    def __init__(self, why: str, *, tokens: Tokens | None = NONE) -> None:
        super().__init__(why)
        self.tokens = tokens


class Rejected(NoAnswer):
    """This request will never succeed; others may."""


class Cut(NoAnswer):
    """The answer reached the limit on its tokens: this request may succeed with a larger one, not with the same."""


class Transient(NoAnswer):
    """This request may succeed later, after `wait` seconds; `crowded`: the server wants fewer at once."""

    def __init__(
        self, why: str, *, wait: float | None = None, crowded: bool = False, tokens: Tokens | None = NONE
    ) -> None:
        super().__init__(why, tokens=tokens)
        self.wait, self.crowded = wait, crowded


class Refused(NoAnswer):
    """No request will succeed: no key, no credit, no such model."""


class Session(Protocol):
    """An open connection to a teacher."""

    async def ask(self, messages: Sequence[Message], decoding: Decoding) -> Reply:
        """One finished answer.

        Raises:
            NoAnswer: there is none; its class says whether asking again may help.
        """
        ...


class Teacher(Protocol):
    """A model that writes responses; a frozen dataclass."""

    @property
    def name(self) -> str: ...

    @property
    def identity(self) -> Mapping[str, Any]:
        """The settings that its answers depend on."""
        ...

    @property
    def prices(self) -> tuple[float, float] | None:
        """US dollars per million tokens read and written; None if not known."""
        ...

    @property
    def concurrency(self) -> int:
        """Requests under way at once, at most."""
        ...

    @property
    def tries(self) -> int:
        """Times one request is sent, at most."""
        ...

    @property
    def backoff(self) -> float:
        """Seconds before the second try; doubled for every further one."""
        ...

    @property
    def max_tokens_ceiling(self) -> int | None:
        """The limit for asking again after a recipe's own limit cut an answer off; None: it is not asked again."""
        ...

    def greedy(self, decoding: Decoding) -> bool:
        """Whether the same request would bring the same answer."""
        ...

    def session(self) -> AbstractAsyncContextManager[Session]:
        """Opens a connection.

        Raises:
            UserError: the key or the package it needs is missing.
        """
        ...


def cost(prices: tuple[float, float] | None, input_tokens: int, output_tokens: int) -> float | None:
    """Returns US dollars; None where the prices are not known."""
    return None if prices is None else (prices[0] * input_tokens + prices[1] * output_tokens) / 1e6
