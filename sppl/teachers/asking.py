"""Many requests to one teacher: as many at once as the server bears, each tried again while that may help."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sppl.schemas import Message, UserError
from sppl.teachers.teacher import Decoding, Refused, Rejected, Reply, Session, Teacher, Transient

log = logging.getLogger(__name__)

LONGEST_WAIT = 60.0
"""Seconds: no wait between two tries is longer, unless the server asks for more."""


@dataclass(frozen=True)
class Request:
    """One thing to ask, named by `key`."""

    key: str
    messages: Sequence[Message]
    decoding: Decoding


@dataclass
class Pace:
    """How many requests are under way: halved when the server is crowded, slowly raised again while it is not."""

    most: int
    limit: float = field(init=False)
    active: int = 0
    not_before: float = 0.0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.limit = float(self.most)

    async def enter(self) -> None:
        """Waits for a place, and for the end of a pause the server asked for."""
        clock = asyncio.get_running_loop().time
        async with self.changed:
            await self.changed.wait_for(lambda: self.active < max(1, int(self.limit)))
            self.active += 1
        while (left := self.not_before - clock()) > 0:
            await asyncio.sleep(left)

    async def leave(self, *, crowded: bool, pause: float) -> None:
        """Gives the place back and learns from how it went."""
        async with self.changed:
            self.active -= 1
            self.limit = max(1.0, self.limit / 2) if crowded else min(self.most, self.limit + 1 / self.limit)
            self.not_before = (
                max(self.not_before, asyncio.get_running_loop().time() + pause) if pause else self.not_before
            )
            self.changed.notify_all()


Arrived = Callable[[str, Reply], None]
Missed = Callable[[str, str, tuple[int, int]], None]


def ask_all(teacher: Teacher, requests: Sequence[Request], arrived: Arrived, missed: Missed) -> Mapping[str, str]:
    """Asks everything; `arrived` is called for each answer at once, before anything else is awaited.

    Args:
        missed: called likewise for each try without an answer: the key, why, and the tokens read and written for it.

    Returns:
        Key and reason of every request that stayed without an answer.

    Raises:
        UserError: the teacher refuses every request (key, model, address), or cannot be set up; what had arrived stays.
    """
    return asyncio.run(_ask_all(teacher, requests, arrived, missed)) if requests else {}


async def _ask_all(
    teacher: Teacher, requests: Sequence[Request], arrived: Arrived, missed: Missed
) -> Mapping[str, str]:
    failed: dict[str, str] = {}
    pace = Pace(teacher.concurrency)
    left = iter(requests)

    async def work(session: Session) -> None:
        for request in left:  # shared: each worker takes the next one
            reply = await _ask(teacher, session, pace, request)
            if isinstance(reply, str):
                failed[request.key] = reply

    async def one_session() -> None:
        async with teacher.session() as session, asyncio.TaskGroup() as group:
            for _ in range(min(teacher.concurrency, len(requests))):
                group.create_task(work(session))

    async def _ask(teacher: Teacher, session: Session, pace: Pace, request: Request) -> Reply | str:
        why, wait = "", None
        for attempt in range(teacher.tries):
            await pace.enter()
            crowded, pause = False, 0.0
            try:
                reply = await session.ask(request.messages, request.decoding)
                arrived(request.key, reply)
                pause = reply.pause
                return reply
            except Rejected as error:
                missed(request.key, str(error), error.tokens)
                return str(error)
            except Transient as error:
                missed(request.key, str(error), error.tokens)
                why, crowded, pause = str(error), error.crowded, (error.wait or 0.0) if error.crowded else 0.0
                wait = error.wait
            finally:
                await pace.leave(crowded=crowded, pause=pause)
            if attempt + 1 < teacher.tries:
                log.info("%s: %s; try %d of %d follows", teacher.name, why, attempt + 2, teacher.tries)
                grown = min(LONGEST_WAIT, teacher.backoff * 2**attempt) * random.uniform(0.5, 1.0)
                await asyncio.sleep(grown if wait is None else wait)
        return f"{why} ({teacher.tries} tries)"

    try:
        await one_session()
    except* Refused as group:
        raise UserError(f"teacher {teacher.name} refuses every request: {_first(group)}") from None
    return failed


def _first(group: BaseExceptionGroup) -> str:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else str(error)
