"""What every teacher is: settings of one model somewhere, and a session that answers one request at a time."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from sppl.schemas import Message


@dataclass(frozen=True)
class Decoding:
    """How a teacher samples; None leaves the temperature to the API."""

    temperature: float | None
    max_tokens: int
    seed: int = 0
    """Counts the attempts at one question; only models that run here use it."""


@dataclass(frozen=True)
class Reply:
    """One answer and what it used.

    Args:
        pause: seconds the server wants to be left alone.
        ended: whether the model ended it itself; teachers' replies that were cut off never get this far.
    """

    text: str
    input_tokens: int
    output_tokens: int
    pause: float = 0.0
    ended: bool = True


class Rejected(Exception):
    """This request will never succeed; others may. `tokens`: read and written for nothing."""

    def __init__(self, why: str, *, tokens: tuple[int, int] = (0, 0)) -> None:
        super().__init__(why)
        self.tokens = tokens


class Transient(Exception):
    """This request failed and may succeed later, after `wait` seconds; `crowded`: the server wants fewer at once.

    `tokens`: read and written for nothing.
    """

    def __init__(
        self, why: str, *, wait: float | None = None, crowded: bool = False, tokens: tuple[int, int] = (0, 0)
    ) -> None:
        super().__init__(why)
        self.wait, self.crowded, self.tokens = wait, crowded, tokens


class Refused(Exception):
    """No request will succeed: no key, no access, no such model, nobody there."""


class Session(Protocol):
    """An open connection to a teacher."""

    async def ask(self, messages: Sequence[Message], decoding: Decoding) -> Reply:
        """One answer.

        Raises:
            Transient, Rejected, Refused: there is none.
        """
        ...


class Teacher(Protocol):
    """A model that writes responses; a frozen dataclass."""

    @property
    def name(self) -> str: ...

    @property
    def identity(self) -> Mapping[str, Any]:
        """What its answers depend on."""
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

    def session(self) -> AbstractAsyncContextManager[Session]:
        """An open connection.

        Raises:
            UserError: the key or the package it needs is not there.
        """
        ...


def cost(prices: tuple[float, float] | None, input_tokens: int, output_tokens: int) -> float | None:
    """US dollars, None where the prices are not known."""
    return None if prices is None else (prices[0] * input_tokens + prices[1] * output_tokens) / 1e6
