"""Batches of OpenAI's API: a file of requests is uploaded, files of answers and of errors are downloaded."""

import json
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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
from sppl.teachers.teacher import Decoding, NoAnswer, Reply, Transient

PATH = "/v1/chat/completions"
LABEL = "sppl"
"""The name of our label in a batch's metadata."""
ENDED = ("completed", "failed", "expired", "cancelled")
EXPIRED, CANCELLED = "batch_expired", "batch_cancelled"


@dataclass(frozen=True)
class OpenAIBatches:
    """An open connection to OpenAI, or to a provider with the same API for files and batches."""

    teacher: Endpoint
    sdk: ModuleType
    client: Any
    fill: Fill
    reader: Read

    async def prepare(self, lines: Mapping[str, tuple[Sequence[Message], Decoding]]) -> str:
        """Uploads the requests, which costs nothing, and returns the file's id."""
        rows = [
            {"custom_id": id_, "method": "POST", "url": PATH, "body": flatten_arguments(self.fill(*line))}
            for id_, line in lines.items()
        ]
        data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(errors="replace")
        file = ("requests.jsonl", data)
        call = self.client.files.with_raw_response.create(file=file, purpose="batch")
        return id_of(await self._json(call, DOWNLOAD))

    async def create(self, prepared: str, label: str) -> str:
        """Creates a batch of the requests in a file and returns its id."""
        create, window = self.client.batches.with_raw_response.create, "24h"
        call = create(input_file_id=prepared, endpoint=PATH, completion_window=window, metadata={LABEL: label})
        return id_of(await self._json(call))

    async def find(self, label: str, size: int, since: datetime, known: Collection[str]) -> str | None:
        """Returns the id of the batch whose metadata hold the label."""
        after: dict[str, str] = {}
        while True:
            page = await self._json(self.client.batches.with_raw_response.list(limit=100, **after))
            listed = page.get("data") or []
            for one in listed:
                if (one.get("metadata") or {}).get(LABEL) == label:
                    return id_of(one)
            oldest = min((one["created_at"] for one in listed if one.get("created_at")), default=0)
            if not page.get("has_more") or datetime.fromtimestamp(oldest, UTC) < since - SKEW:
                return None
            after = {"after": id_of(listed[-1])}

    async def look(self, batch: str) -> BatchState:
        """Returns the progress of a batch."""
        body = await self._json(self.client.batches.with_raw_response.retrieve(batch))
        counts, status = body.get("request_counts") or {}, body.get("status")
        done = (counts.get("completed") or 0) + (counts.get("failed") or 0)
        return BatchState(batch, done, counts.get("total") or 0, status if status in ENDED else "", body)

    async def results(self, state: BatchState) -> list[tuple[str, Any]]:
        """Returns the lines of the files of answers and of errors."""
        found: list[tuple[str, Any]] = []
        for name in ("output_file_id", "error_file_id"):
            if file := state.body.get(name):
                call = self.client.files.with_raw_response.content(file)
                text, _ = await send(self.teacher, self.sdk, call, seconds=DOWNLOAD * self.teacher.timeout)
                found += lines_of(self.teacher.hide(text))
        return found

    def read(self, result: Any, decoding: Decoding) -> Reply:
        """Returns the answer in a line of one of the files."""
        response, error = result.get("response"), result.get("error")
        if isinstance(response, Mapping):
            status, body = response.get("status_code"), response.get("body")
            if status == 200:
                return self.reader(body, {}, decoding)
            raise classify_error(status if isinstance(status, int) else 0, read_error(body), self.teacher)
        code = error.get("code") if isinstance(error, Mapping) else None
        if code == EXPIRED:
            raise expired_error()
        if code == CANCELLED:
            raise cancelled_error()
        raise classify_error(
            0, read_error({"error": error or {"message": "neither a response nor an error"}}), self.teacher
        )

    def missing(self, state: BatchState, place: int) -> NoAnswer:
        """Returns the error for the request at a place without a line in an ended batch."""
        if state.ended == "expired":
            return expired_error()
        if state.ended == "cancelled":
            return cancelled_error()
        if state.ended != "failed":
            return Transient("the batch ended without a word about this request", tokens=None)
        errors = (state.body.get("errors") or {}).get("data") or [{"message": "the batch failed, no reason given"}]
        own = next((one for one in errors if one.get("line") == place + 1), None)
        general = next((one for one in errors if one.get("line") is None), None)
        if own is None and general is None:  # refused for the sake of other lines
            return Transient("the batch failed because of other requests in it")
        error = own or general or {}
        if error.get("code") == "token_limit_exceeded":
            return Transient(f"the batch failed: {read_error(error).message}", crowded=True)
        return classify_error(0 if own is None else 400, read_error({"error": error}), self.teacher)

    async def _json(self, call: Awaitable[Any], times: int = 1) -> Mapping[str, Any]:
        body, _ = await send_for_json(self.teacher, self.sdk, call, seconds=times * self.teacher.timeout)
        if not isinstance(body, Mapping):
            raise Transient("not an answer of this API", tokens=None)
        return body
