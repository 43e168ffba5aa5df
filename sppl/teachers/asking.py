"""Sends many requests to one teacher, several at once, and repeats those that may succeed later."""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sppl.schemas import Message
from sppl.teachers.budget import Budget, LimitReached
from sppl.teachers.pace import Over, Pace
from sppl.teachers.signals import raise_between_steps
from sppl.teachers.teacher import Cut, Decoding, NoAnswer, Refused, Rejected, Reply, Session, Teacher, Transient

log = logging.getLogger(__name__)

LONGEST_WAIT = 60.0
"""The longest wait between two tries in seconds, unless the server asks for more."""
GIVE_UP = 10
"""If this many questions stay without an answer and none has got one, no more are asked."""


@dataclass(frozen=True)
class TeacherRequest:
    """One request, named by `key`; an answer that is cut off at one of `limits` is asked for again with the next.

    Args:
        batch: our label of the batch that it was sent in; empty for none.
    """

    key: str
    messages: Sequence[Message]
    decoding: Decoding
    limits: Sequence[int]
    question_id: str = ""
    batch: str = ""


Arrived = Callable[[TeacherRequest, Decoding, Reply], None]
Missed = Callable[[TeacherRequest, Decoding, NoAnswer], None]


class GaveUp(Exception):
    """None of the first requests was answered."""


def ask_all(
    teacher: Teacher, requests: Sequence[TeacherRequest], arrived: Arrived, missed: Missed, budget: Budget
) -> Mapping[str, str]:
    """Sends all requests; `arrived` is called for each answer at once, before anything else is awaited.

    Args:
        missed: called likewise for each try without an answer.
        budget: no request is sent that could lead beyond its limit.

    Returns:
        Key and reason of every request that stayed without an answer.

    Raises:
        Refused: no request will succeed.
        LimitReached: the budget does not allow the next request.
        UserError: the teacher cannot be set up. What had arrived stays in any case.
    """
    return asyncio.run(_Asking(teacher, requests, arrived, missed, budget).all()) if requests else {}


@dataclass
class _Asking:
    teacher: Teacher
    requests: Sequence[TeacherRequest]
    arrived: Arrived
    missed: Missed
    budget: Budget
    failed: dict[str, str] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)

    async def all(self) -> Mapping[str, str]:
        self.bill = self.budget.bill(self.teacher)
        self.pace = Pace(self.teacher.concurrency, self.budget, proved=self.bill.answers > 0)
        left = iter(self.requests)  # shared: each worker takes the next one
        try:
            async with self.teacher.session() as session, raise_between_steps(), asyncio.TaskGroup() as group:
                for _ in range(min(self.teacher.concurrency, len(self.requests))):
                    group.create_task(self._work(session, left))
        except BaseExceptionGroup as group:
            raise _first(group) from None
        unasked = [one.key for one in self.requests if one.key not in self.failed and one.key not in self.answered]
        if isinstance(self.pace.ended, LimitReached):
            self.pace.ended.left = len(unasked)
        if isinstance(self.pace.ended, LimitReached | Refused):
            raise self.pace.ended
        return self.failed | dict.fromkeys(unasked, f"not asked: of {len(self.failed)} before it none was answered")

    async def _work(self, session: Session, left: Iterator[TeacherRequest]) -> None:
        for request in left:
            try:
                await self._ask(session, request)
                self.answered.add(request.key)
            except Over:
                return
            except Refused as error:
                await self.pace.end(error)
                return
            except NoAnswer as error:
                self.failed[request.key] = str(error)
                if not self.answered and len(self.failed) >= GIVE_UP:
                    await self.pace.end(GaveUp())

    async def _ask(self, session: Session, request: TeacherRequest) -> None:
        """Gets one answer; NoAnswer says why there is none after all tries."""
        limits, attempt, tries = list(request.limits), 0, self.teacher.tries
        while True:
            try:
                return await self._send(session, request, replace(request.decoding, max_tokens=limits[0]))
            except Cut as error:
                if len(limits) == 1:
                    raise Rejected(f"{error}; {describe_limit(self.teacher, limits[0])}") from None
                log.info("%s: %s; once more with %d", self.teacher.name, error, limits[1])
                limits.pop(0)
            except Transient as error:
                attempt += 1
                if attempt == tries:
                    raise Rejected(f"{error} ({tries} tries)") from None
                log.info("%s: %s; try %d of %d follows", self.teacher.name, error, attempt + 1, tries)
                grown = min(LONGEST_WAIT, self.teacher.backoff * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)
                await self.pace.rest(grown if error.wait is None else error.wait)

    async def _send(self, session: Session, request: TeacherRequest, decoding: Decoding) -> None:
        """Sends a request once, when a place and the money are free; the answer is written to disk at once."""
        foreseen = self.bill.most(request.messages, decoding.max_tokens)
        worst = self.bill.dollars(foreseen)
        await self.pace.enter(worst)
        spent, answered, crowded, pause = 0.0, False, False, 0.0
        try:
            await self.pace.rest()
            spent = worst  # unless somebody knows better
            try:
                reply = await session.ask(request.messages, decoding)
            except asyncio.CancelledError:
                self._miss(request, decoding, NoAnswer("stopped while it was under way", tokens=None))
                raise
            except NoAnswer as error:
                self._miss(request, decoding, error)
                spent = self._cost(foreseen, error.tokens, worst)
                if isinstance(error, Transient):
                    crowded, pause = error.crowded, (error.wait or 0.0) if error.crowded else 0.0
                raise
            self.arrived(request, decoding, reply)
            self.bill.add(reply.tokens)
            spent, answered, pause = self._cost(foreseen, reply.tokens, worst), True, min(reply.pause, LONGEST_WAIT)
        finally:
            self.budget.settle(worst, spent)
            await self.pace.leave(answered=answered, crowded=crowded, pause=pause)

    def _miss(self, request: TeacherRequest, decoding: Decoding, error: NoAnswer) -> None:
        self.missed(request, decoding, error)
        self.bill.add(error.tokens, str(error))

    def _cost(self, foreseen: tuple[int, int], tokens: tuple[int, int] | None, worst: float) -> float:
        """The cost of a request; where it is not known, the most it could have cost."""
        self.bill.learn(foreseen, tokens)
        return worst if tokens is None else self.bill.dollars(tokens)


def describe_limit(teacher: Teacher, limit: int) -> str:
    """Returns how to get an answer that is longer than its limit, in words."""
    return (
        f"it is not asked for again with the same limit. A larger one: teacher.{teacher.name}.max_tokens_ceiling="
        f"{2 * limit} asks for cut answers alone once more"
    )


def _first(group: BaseExceptionGroup) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
