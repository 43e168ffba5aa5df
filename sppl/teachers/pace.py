"""Limits the requests in progress to what the server and the budget allow."""

import asyncio
from dataclasses import dataclass, field

from sppl.teachers.budget import Budget, LimitReached


class Over(Exception):
    """No more requests are sent; `Pace.ended` says why."""


@dataclass
class Pace:
    """Places for requests: one until the first answer, then `most`; halved when the server is overloaded.

    So a teacher that nobody can ask (no key, no credit) is asked once. Where money for the next request could lack,
    it waits for those under way, which cost less than they could; when none is left, the limit is reached.

    Args:
        most: requests under way at once.
        budget: reserves the money for each request.
        proved: whether the teacher has answered before.
    """

    most: int
    budget: Budget
    proved: bool
    ended: Exception | None = None
    active: int = 0
    not_before: float = 0.0
    limit: float = field(init=False)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.limit = float(self.most) if self.proved else 1.0

    async def enter(self, worst: float) -> None:
        """Waits for a place, and for the dollars that a request may cost at most.

        Raises:
            Over: no more requests are sent.
        """
        async with self.changed:
            await self.changed.wait_for(lambda: self._decided(worst))
            if self.ended:
                self.changed.notify_all()
                raise Over
            self.active += 1

    async def rest(self, seconds: float | None = None) -> None:
        """Waits so long, by default until the server's pause ends; raises Over if the work ends meanwhile."""
        left = self.not_before - asyncio.get_running_loop().time() if seconds is None else seconds
        if left > 0:
            try:
                await asyncio.wait_for(self.over.wait(), left)
            except TimeoutError:
                return
        if self.ended:
            raise Over

    async def leave(self, *, answered: bool, crowded: bool, pause: float) -> None:
        """Gives the place back and adapts the number of places to the outcome."""
        async with self.changed:
            self.active -= 1
            if answered and not self.proved:
                self.proved, self.limit = True, float(self.most)
            elif crowded:
                self.limit = max(1.0, self.limit / 2)
            elif self.proved:
                self.limit = min(self.most, self.limit + 1 / self.limit)
            if pause:
                self.not_before = max(self.not_before, asyncio.get_running_loop().time() + pause)
            self.changed.notify_all()

    async def end(self, why: Exception) -> None:
        """Lets no more requests in; those in progress go on, as they are paid for."""
        async with self.changed:
            self._end(why)
            self.changed.notify_all()

    def _end(self, why: Exception) -> None:
        self.ended = self.ended or why
        self.over.set()

    def _decided(self, worst: float) -> bool:
        """Whether a request may enter, with its money reserved, or never will."""
        if self.ended:
            return True
        if self.active >= max(1, int(self.limit)):
            return False
        if self.budget.reserve(worst):
            return True
        if not self.active:
            self._end(LimitReached(worst))
        return self.ended is not None
