"""Sends many requests in batches, waits for the results, and sends requests without an answer again."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

from sppl.teachers.asking import Arrived, Missed, TeacherRequest, describe_limit
from sppl.teachers.batch import BatchState, BatchTeacher
from sppl.teachers.batch_journal import BatchJournal, OpenBatch, PlacedRequest
from sppl.teachers.budget import Budget, LimitReached
from sppl.teachers.lookups import Lookups
from sppl.teachers.lookups import wait as wait_for
from sppl.teachers.teacher import Cut, NoAnswer, Refused, Rejected, Reply, Transient

log = logging.getLogger(__name__)

REQUESTS = 50_000
"""Requests in one batch: the smaller of the two providers' limits."""
BYTES = 100_000_000
"""Bytes of the prompts in one batch: half of the smaller of the two providers' limits, as more is sent with them."""


def ask_in_batches(
    teacher: BatchTeacher,
    requests: Sequence[TeacherRequest],
    arrived: Arrived,
    missed: Missed,
    budget: Budget,
    *,
    journal: BatchJournal,
    recorded: Callable[[str], Collection[str]],
    wait: bool = True,
) -> Mapping[str, str]:
    """Sends all requests in batches, or resumes after a killed process; calls `arrived` and `missed` like `ask_all`.

    Where the teacher's mode is not `batch`, open batches are collected and nothing is sent.

    Args:
        journal: the journal of the batches.
        recorded: returns the keys of a batch's requests whose outcome is on disk, also by an earlier process.
        wait: whether to wait until everything is collected; else what fits the budget is sent, and no more.

    Returns:
        Key and reason of every request that stayed without an answer.

    Raises:
        Refused: no request will succeed.
        LimitReached: the budget does not allow the next request, and nothing is in progress.
        UserError: the teacher cannot be set up, or an open batch cannot be reached. It stays open.
    """
    return asyncio.run(_Batching(teacher, requests, arrived, missed, budget, journal, recorded).all(wait=wait))


@dataclass
class _Batching:
    teacher: BatchTeacher
    requests: Sequence[TeacherRequest]
    arrived: Arrived
    missed: Missed
    budget: Budget
    journal: BatchJournal
    recorded: Callable[[str], Collection[str]]
    open: dict[str, OpenBatch] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    tries: Counter[str] = field(default_factory=Counter)
    vain: int = 0
    """Times in a row that a batch could not be created."""
    size: int = REQUESTS
    refused: Refused | None = None

    async def all(self, *, wait: bool) -> Mapping[str, str]:
        self.bill = self.budget.bill(self.teacher)
        self.wanted = {one.key: one for one in self.requests}
        self.left = dict(self.wanted)
        async with self.teacher.batches() as self.jobs:
            self.lookups = Lookups(self.teacher, self.jobs, self.journal)
            for batch in self.journal.open(self.wanted):
                await self._resume(batch)
            try:
                while True:
                    if self.teacher.mode == "batch":
                        await self._hand_in(wait=wait)
                    if not (self.open and wait):
                        break
                    await self._collect()
                    if self.open or self.left:
                        await asyncio.sleep(self.teacher.poll)
            finally:
                self._say_what_is_open()
        if self.refused:
            raise self.refused
        return self.failed

    async def _resume(self, batch: OpenBatch) -> None:
        """Takes over a batch that an earlier process created or was about to."""
        if batch.id is None:
            batch = replace(batch, id=await self.lookups.find(batch))
            if batch.id is None:
                self.journal.close(batch.label, "never created")
                return
            self.journal.created(batch.label, batch.id)
        if batch.label not in self.budget.batches:  # it is paid for in any case
            self.budget.settle(0.0, sum(map(self._most, batch.requests)))
            self.budget.batches.add(batch.label)
        self._is_open(batch)

    async def _hand_in(self, *, wait: bool) -> None:
        """Sends the remaining requests, as many at once as the provider and the budget allow."""
        while self.left and not self.refused:
            chunk = self._chunk()
            if not chunk:
                if wait and not self.open:
                    raise LimitReached(self._most(self._placed(next(iter(self.left.values())))), len(self.left))
                return
            label = uuid4().hex
            self.budget.batches.add(label)
            try:
                await self._create(chunk, label)
            except NoAnswer as error:
                self.budget.settle(sum(map(self._most, chunk)), 0.0)
                self._not_created(chunk, error)
                if self.refused is None and self.left:
                    await asyncio.sleep(wait_for(self.teacher, error, self.vain))

    def _chunk(self) -> list[PlacedRequest]:
        """The next requests, with the money for them reserved."""
        chunk, read = list[PlacedRequest](), 0
        for request in list(self.left.values())[: self.size]:
            one = self._placed(request)
            read += one.most[0]
            if (chunk and read > BYTES) or not self.budget.reserve(self._most(one)):
                break
            chunk.append(one)
        return chunk

    async def _create(self, chunk: Sequence[PlacedRequest], label: str) -> None:
        """Creates a batch, recorded before it is created and as soon as it has an id."""
        lines = {f"{label}-{at}": (one.request.messages, one.decoding) for at, one in enumerate(chunk)}
        prepared = await self.jobs.prepare(lines)
        batch = self.journal.plan(label, chunk)
        try:
            id_ = await self.jobs.create(prepared, label)
        except NoAnswer as error:
            unknown = isinstance(error, Transient) and not error.crowded
            id_ = await self.lookups.find(batch) if unknown else None
            if id_ is None:
                self.journal.close(label, f"never created: {self.teacher.hide(str(error))}")
                raise
        self.journal.created(label, id_)
        self.vain = 0
        self._is_open(replace(batch, id=id_))
        log.info("%s: batch %s with %d requests is handed in", self.teacher.name, id_, len(chunk))

    def _not_created(self, chunk: Sequence[PlacedRequest], error: NoAnswer) -> None:
        """Records that no more requests can be sent, or that these cannot."""
        why = self.teacher.hide(str(error))
        self.vain += 1
        if isinstance(error, Refused):
            lacking = why[:3] in ("404", "405", "501")
            way = f". A server without batches needs teacher.{self.teacher.name}.mode=direct" if lacking else ""
            self.refused = Refused(why + way)
        elif not isinstance(error, Transient) or self.vain >= self.teacher.tries:
            times = f" ({self.vain} tries)" if self.vain > 1 else ""
            self.failed |= dict.fromkeys((one.request.key for one in chunk), f"no batch is created: {why}{times}")
            self.left = {key: one for key, one in self.left.items() if key not in self.failed}
            self.vain = 0

    def _is_open(self, batch: OpenBatch) -> None:
        self.open[batch.label] = batch
        for one in batch.requests:
            self.left.pop(one.request.key, None)

    async def _collect(self) -> None:
        """Asks for the progress of open batches, and writes the results of ended ones to disk."""
        for batch in list(self.open.values()):
            id_ = batch.id or ""
            state = await self.lookups.reach(lambda id_=id_: self.jobs.look(id_), batch)
            if state.ended:
                results = await self.lookups.reach(lambda state=state: self.jobs.results(state), batch)
                self._sort(batch, state, results)
            else:
                log.info("%s: batch %s: %d of %d are done", self.teacher.name, id_, state.done, len(batch.requests))

    def _sort(self, batch: OpenBatch, state: BatchState, results: Sequence[tuple[str, object]]) -> None:
        """Assigns results to the requests of a batch by custom id."""
        found: dict[str, list[object]] = {}
        for id_, result in results:
            found.setdefault(id_, []).append(result)
        recorded, ids = self.recorded(batch.label), [batch.custom_id(at) for at in range(len(batch.requests))]
        odd = {f"{id_} ({len(own)} times)" for id_, own in found.items() if len(own) > 1} | (found.keys() - set(ids))
        if odd:
            log.warning("%s: batch %s: results that are none of ours, or came again: %s",
                        self.teacher.name, batch.id, ", ".join(sorted(odd)[:5]))  # fmt: skip
        del self.open[batch.label]
        for at, (id_, one) in enumerate(zip(ids, batch.requests, strict=True)):
            outcome = self._outcome(one, found.get(id_, []), state, at)
            tokens, why = outcome.tokens, str(outcome) if isinstance(outcome, NoAnswer) else ""
            if one.request.key not in recorded:
                request = replace(one.request, batch=batch.label)
                if isinstance(outcome, Reply):
                    self.arrived(request, one.decoding, outcome)
                else:
                    self.missed(request, one.decoding, outcome)
                self.bill.add(tokens, why, batch=True)
            self.bill.learn(one.most, tokens)
            spent = self._most(one) if tokens is None else self.bill.dollars(tokens, batch=True)
            self.budget.settle(self._most(one), spent)
            if isinstance(outcome, NoAnswer):
                self._again(one, outcome)
                if isinstance(outcome, Transient) and outcome.crowded:
                    self.size = max(1, len(batch.requests) // 2)
        self.journal.close(batch.label, state.ended)
        log.info("%s: batch %s ended (%s)", self.teacher.name, batch.id, state.ended)

    def _outcome(self, one: PlacedRequest, results: Sequence[object], state: BatchState, at: int) -> Reply | NoAnswer:
        """The answer, if any of the results is one; else the error of the first."""
        errors = list[NoAnswer]()
        for result in results:
            try:
                return self.jobs.read(result, one.decoding)
            except NoAnswer as error:
                error.args = (self.teacher.hide(str(error)),)
                errors.append(error)
        return errors[0] if errors else self.jobs.missing(state, at)

    def _again(self, one: PlacedRequest, error: NoAnswer) -> None:
        """Queues a request without an answer again, where that may help."""
        key, limit = one.request.key, one.decoding.max_tokens
        if (request := self.wanted.get(key)) is None:
            return
        if isinstance(error, Refused):
            self.refused = error
        if isinstance(error, Cut):
            larger = [other for other in request.limits if other > limit]
            if larger:
                self.left[key] = replace(request, limits=larger)
            else:
                self.failed[key] = f"{error}; {describe_limit(self.teacher, limit)}"
            return
        if isinstance(error, Transient):
            self.tries[key] += 1
            if self.tries[key] < self.teacher.tries:
                self.left[key] = request
                return
            error = Rejected(f"{error} ({self.teacher.tries} tries)")
        self.failed[key] = str(error)

    def _placed(self, request: TeacherRequest) -> PlacedRequest:
        decoding = replace(request.decoding, max_tokens=request.limits[0])
        return PlacedRequest(request, decoding, self.bill.most(request.messages, decoding.max_tokens))

    def _most(self, one: PlacedRequest) -> float:
        """US dollars that a request may cost at most."""
        return self.bill.dollars(one.most, batch=True)

    def _say_what_is_open(self) -> None:
        for batch in self.open.values():
            log.info("%s: batch %s with %d requests is under way; the same command goes on with it",
                     self.teacher.name, batch.id, len(batch.requests))  # fmt: skip
