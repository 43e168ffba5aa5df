"""Looks up batches that may have been bought already, until the provider answers, or tells the user."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sppl.schemas import UserError
from sppl.teachers.asking import LONGEST_WAIT
from sppl.teachers.batch import Batches, BatchTeacher
from sppl.teachers.batch_journal import BatchJournal, OpenBatch
from sppl.teachers.teacher import NoAnswer, Transient

T = TypeVar("T")


@dataclass(frozen=True)
class Lookups:
    """An open connection to a teacher, and the journal of its batches."""

    teacher: BatchTeacher
    jobs: Batches
    journal: BatchJournal

    async def find(self, batch: OpenBatch) -> str | None:
        """Returns the id of a batch that may have been created; looks for it until it would have to be listed."""
        end = datetime.now(UTC) + timedelta(seconds=self.teacher.timeout)
        known = self.journal.known()
        while True:
            late = datetime.now(UTC) >= end
            found = await self.reach(
                lambda: self.jobs.find(batch.label, len(batch.requests), batch.since, known), batch
            )
            if found or late:
                return found
            await asyncio.sleep(min(self.teacher.poll, self.teacher.timeout / 4))

    async def reach(self, call: Callable[[], Awaitable[T]], batch: OpenBatch) -> T:
        """Returns the provider's answer about a batch, asked repeatedly.

        Raises:
            UserError: it does not answer; the batch stays as it is.
        """
        for attempt in range(1, self.teacher.tries + 1):
            try:
                return await call()
            except NoAnswer as error:
                if isinstance(error, Transient) and attempt < self.teacher.tries:
                    await asyncio.sleep(wait(self.teacher, error, attempt))
                    continue
                raise UserError(self._unreached(batch, error)) from None
        raise AssertionError

    def _unreached(self, batch: OpenBatch, error: NoAnswer) -> str:
        what = f"batch {batch.id}" if batch.id else "whether a batch was created"
        return (
            f"teacher {self.teacher.name}: {what} cannot be looked up: {self.teacher.hide(str(error))}. It is not "
            f"touched by that: the same command goes on with it. If it is gone for good, remove the line with "
            f'{batch.label} and "requests" from {self.journal.path}: then its {len(batch.requests)} requests are asked '
            "anew, and paid anew"
        )


def wait(teacher: BatchTeacher, error: NoAnswer, attempt: int) -> float:
    """Returns the seconds before the next try."""
    grown = min(LONGEST_WAIT, teacher.backoff * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)
    asked = error.wait if isinstance(error, Transient) else None
    return grown if asked is None else asked
