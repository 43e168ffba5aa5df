"""Batches of Anthropic's API: requests are sent with the batch, and one file of results is read."""

import asyncio
import json
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any

from sppl.schemas import Message
from sppl.teachers.batch import (
    DOWNLOAD,
    SKEW,
    BatchState,
    Fill,
    Read,
    cancelled_error,
    expired_error,
    flatten_arguments,
    id_of,
    lines_of,
)
from sppl.teachers.endpoint import Endpoint
from sppl.teachers.faults import classify_error, read_error
from sppl.teachers.sdk import send, send_for_json
from sppl.teachers.teacher import Decoding, NoAnswer, Rejected, Reply, Transient


@dataclass(frozen=True)
class AnthropicBatches:
    """An open connection to Anthropic."""

    teacher: Endpoint
    sdk: ModuleType
    calls: Any
    fill: Fill
    reader: Read

    async def prepare(self, lines: Mapping[str, tuple[Sequence[Message], Decoding]]) -> list[dict[str, Any]]:
        """Returns the requests, which are sent with the batch itself."""
        return [{"custom_id": id_, "params": flatten_arguments(self.fill(*line))} for id_, line in lines.items()]

    async def create(self, prepared: list[dict[str, Any]], label: str) -> str:
        """Creates a batch and returns its id; the label is part of the custom ids already."""
        return id_of(await self._json(self.calls.create(requests=prepared), DOWNLOAD))

    async def find(self, label: str, size: int, since: datetime, known: Collection[str]) -> str | None:
        """Returns the id of the batch whose custom ids begin with the label.

        The API keeps no label of ours; the custom ids are in the results. So batches of the same size and time are
        waited for, if need be.
        """
        after: dict[str, str] = {}
        while True:
            page = await self._json(self.calls.list(limit=100, **after))
            for one in page.get("data") or []:
                if _created(one) < since - SKEW:
                    return None
                if id_of(one) not in known and _size(one) == size and await self._is(id_of(one), label):
                    return id_of(one)
            if not page.get("has_more") or not page.get("last_id"):
                return None
            after = {"after_id": page["last_id"]}

    async def look(self, batch: str) -> BatchState:
        """Returns the progress of a batch."""
        body = await self._json(self.calls.retrieve(batch))
        left = (body.get("request_counts") or {}).get("processing") or 0
        ended = "ended" if body.get("processing_status") == "ended" else ""
        return BatchState(batch, _size(body) - left, _size(body), ended, body)

    async def results(self, state: BatchState) -> list[tuple[str, Any]]:
        """Returns the lines of the file of results."""
        if not state.body.get("results_url"):
            raise Rejected("it has ended, and its results are no longer kept there")
        text, _ = await send(
            self.teacher, self.sdk, self.calls.results(state.id), seconds=DOWNLOAD * self.teacher.timeout
        )
        return lines_of(self.teacher.hide(text))

    def read(self, result: Any, decoding: Decoding) -> Reply:
        """Returns the answer in a line of the file."""
        said = result.get("result")
        kind = said.get("type") if isinstance(said, Mapping) else None
        if kind == "succeeded":
            return self.reader(said.get("message"), {}, decoding)
        if kind == "expired":
            raise expired_error()
        if kind == "canceled":
            raise cancelled_error()
        if kind == "errored":
            raise classify_error(0, read_error(said.get("error")), self.teacher)
        raise Transient(f"not a result of this API: {json.dumps(said)[:200]}", tokens=None)

    def missing(self, state: BatchState, place: int) -> NoAnswer:
        """Returns the error for a request without a line in an ended batch."""
        return Transient("the batch ended without a word about this request", tokens=None)

    async def _is(self, batch: str, label: str) -> bool:
        """Whether a batch has this label; waits for its end."""
        while not (state := await self.look(batch)).ended:
            await asyncio.sleep(self.teacher.poll)
        return any(id_.startswith(label) for id_, _ in await self.results(state))

    async def _json(self, call: Awaitable[Any], times: int = 1) -> Mapping[str, Any]:
        body, _ = await send_for_json(self.teacher, self.sdk, call, seconds=times * self.teacher.timeout)
        if not isinstance(body, Mapping):
            raise Transient("not an answer of this API", tokens=None)
        return body


def _size(body: Mapping[str, Any]) -> int:
    return sum((body.get("request_counts") or {}).values())


def _created(body: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(body["created_at"])
