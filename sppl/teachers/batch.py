"""The interface of a provider's batch API: create a batch, ask for its progress, read its results."""

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
"""The largest difference between the provider's clock and ours."""
DOWNLOAD = 10
"""A file of many requests or results may take this many times the timeout of one request."""


@dataclass(frozen=True)
class BatchState:
    """The progress of a batch.

    Args:
        done: requests that have ended.
        total: requests in the batch.
        ended: the provider's word for its end; empty while it is in progress.
        body: everything the provider says about it.
    """

    id: str
    done: int
    total: int
    ended: str
    body: Mapping[str, Any]


class Batches(Protocol):
    """An open connection; every method raises NoAnswer where the provider does not do what it is asked."""

    async def prepare(self, lines: Mapping[str, tuple[Sequence[Message], Decoding]]) -> Any:
        """Returns what `create` needs of the requests, given by custom id; nothing is bought yet."""
        ...

    async def create(self, prepared: Any, label: str) -> str:
        """Creates a batch and returns its id; after a Transient error it may exist or not."""
        ...

    async def find(self, label: str, size: int, since: datetime, known: Collection[str]) -> str | None:
        """Returns the id of the batch that was created with this label, None if there is none.

        Args:
            size: its number of requests.
            since: when it was created, by our clock.
            known: ids of other batches.
        """
        ...

    async def look(self, batch: str) -> BatchState:
        """Returns the progress of a batch."""
        ...

    async def results(self, state: BatchState) -> list[tuple[str, Any]]:
        """Returns the results by custom id, in any order, an id perhaps more than once; `read` takes them."""
        ...

    def read(self, result: Any, decoding: Decoding) -> Reply:
        """Returns the answer in a result; raises NoAnswer where there is none."""
        ...

    def missing(self, state: BatchState, place: int) -> NoAnswer:
        """Returns the error for the request at a place for which an ended batch has no result."""
        ...


@runtime_checkable
class BatchTeacher(Teacher, Protocol):
    """A teacher that also takes batches."""

    @property
    def mode(self) -> str:
        """`batch` where requests are sent in batches."""
        ...

    @property
    def poll(self) -> float:
        """Seconds between two queries of a batch's progress."""
        ...

    @property
    def timeout(self) -> float:
        """Seconds until a call counts as lost."""
        ...

    def batches(self) -> AbstractAsyncContextManager[Batches]:
        """Opens a connection; raises a UserError where the key or the package is missing."""
        ...

    def hide(self, said: Any) -> Any:
        """Returns a text, or plain data, without the key."""
        ...


def flatten_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the arguments of an SDK's call as the body it would send."""
    return {**{name: value for name, value in arguments.items() if name != "extra_body"}, **arguments["extra_body"]}


def id_of(body: Mapping[str, Any]) -> str:
    """Returns the id in a body; raises Transient where there is none."""
    if isinstance(body.get("id"), str) and body["id"]:
        return body["id"]
    raise Transient(f"the server answered without an id: {json.dumps(body)[:200]}", tokens=None)


def lines_of(text: str) -> list[tuple[str, Any]]:
    """Returns the custom id and the whole of every line of a file of results.

    Raises:
        Transient: a line has none; perhaps the file did not arrive as a whole.
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
    """Returns the error for a request that expired in its batch, which costs nothing."""
    return Transient("the batch expired before it was this request's turn")


def cancelled_error() -> NoAnswer:
    """Returns the error for a request whose batch was cancelled, which costs nothing and is not repeated."""
    return Rejected("the batch was cancelled before it was this request's turn; the same command asks anew")
