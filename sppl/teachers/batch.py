"""What a provider's API for batches can do: take many requests at once, say how far it is, hand out what came."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from sppl.schemas import Message
from sppl.teachers.teacher import Decoding, NoAnswer, Rejected, Reply, Teacher, Transient

Fill = Callable[[Sequence[Message], Decoding], dict[str, Any]]
"""Makes the arguments of the SDK's call for one request."""
Read = Callable[[Any, Mapping[str, str], Decoding], Reply]
"""Reads the answer in a body; NoAnswer where there is none."""

SKEW = timedelta(hours=1)
"""How far the provider's clock may be from ours."""
DOWNLOAD = 10
"""A file of many requests or results may take so many times the seconds of one request."""


@dataclass(frozen=True)
class BatchState:
    """How far a batch is.

    Args:
        done: requests that are over.
        total: requests in the batch.
        ended: the provider's word for its end; empty while it is under way.
        body: all that the provider says of it.
    """

    id: str
    done: int
    total: int
    ended: str
    body: Mapping[str, Any]


class Batches(Protocol):
    """An open connection; every method raises NoAnswer where the provider does not do what it is asked."""

    async def prepare(self, lines: Mapping[str, tuple[Sequence[Message], Decoding]]) -> Any:
        """What `create` needs of the requests, by custom id; nothing is bought yet."""
        ...

    async def create(self, prepared: Any, label: str) -> str:
        """The id of a new batch. A NoAnswer that is Transient leaves open whether there is one."""
        ...

    async def find(self, label: str, size: int, since: datetime, known: Collection[str]) -> str | None:
        """The id of the batch that was created with this label, None if there is none.

        Args:
            size: its number of requests.
            since: when it was created, by our clock.
            known: ids of batches that are others.
        """
        ...

    async def look(self, batch: str) -> BatchState:
        """How far a batch is."""
        ...

    async def results(self, state: BatchState) -> list[tuple[str, Any]]:
        """What came for each custom id, in any order, one id perhaps more than once; for `read`."""
        ...

    def read(self, result: Any, decoding: Decoding) -> Reply:
        """The answer in a result; NoAnswer where there is none."""
        ...

    def missing(self, state: BatchState, place: int) -> NoAnswer:
        """Why a batch that ended brought nothing for the request at a place."""
        ...


@runtime_checkable
class BatchTeacher(Teacher, Protocol):
    """A teacher that also takes batches."""

    @property
    def mode(self) -> str:
        """`batch` where it is to be asked in batches."""
        ...

    @property
    def poll(self) -> float:
        """Seconds between two looks at a batch."""
        ...

    @property
    def timeout(self) -> float:
        """Seconds until a call counts as lost."""
        ...

    def batches(self) -> AbstractAsyncContextManager[Batches]:
        """An open connection; a UserError where the key or the package is not there."""
        ...

    def hide(self, said: Any) -> Any:
        """A text, or plain data, without the key."""
        ...


def flatten_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an SDK's call as the body it would send."""
    return {**{name: value for name, value in arguments.items() if name != "extra_body"}, **arguments["extra_body"]}


def id_of(body: Mapping[str, Any]) -> str:
    """The id of what a body tells of; Transient where there is none."""
    if isinstance(body.get("id"), str) and body["id"]:
        return body["id"]
    raise Transient(f"the server answered without an id: {json.dumps(body)[:200]}", tokens=None)


def lines_of(text: str) -> list[tuple[str, Any]]:
    """The custom id and the whole of every line of a file of results.

    Raises:
        Transient: a line is none; perhaps not all of the file came.
    """
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                row = json.loads(line)
                found.append((str(row["custom_id"]), row))
            except (ValueError, TypeError, KeyError, RecursionError):
                raise Transient(f"line {number} of a batch's results is no result: {line[:100]}") from None
    return found


def expired_error() -> NoAnswer:
    """What became of a request whose turn did not come in time; it costs nothing."""
    return Transient("the batch expired before it was this request's turn")


def cancelled_error() -> NoAnswer:
    """What became of a request whose batch somebody stopped; it costs nothing, and nobody but a user asks anew."""
    return Rejected("the batch was cancelled before it was this request's turn; the same command asks anew")
