"""A stand-in for the batch APIs of OpenAI and Anthropic, which keeps books of what it is paid for.

    python -m tests.servers.batches PORT LOG [TROUBLE,TROUBLE,...] [DELAY]

Results come out of order. A batch ends DELAY seconds after it was created; each meets the next TROUBLE of the list, see
`TROUBLES`. LOG gets lines `created ID N` and (once somebody saw it) `ended ID` per batch, `paid ID PROMPT` per answer
on the bill (10 tokens read and 5 written, or as many as it may have), `asked PROMPT` for requests outside of batches.
"""

import asyncio
import json
import random
import sys
import time
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.servers.faulty import CutOff, error, note

TROUBLES = {
    "expired": "half of the requests expire",
    "expired*": "half of the requests of every batch expire",
    "cancelled": "half of the requests are cancelled",
    "errors": "every third request is answered by an error that passes, every fifth by one that does not",
    "duplicates": "every result comes twice, and one of nobody's",
    "lacking": "every second request has no result at all",
    "cut": "every answer is cut off",
    "torn": "the first download of the results breaks off",
    "garbled": "the first download of the results ends in the middle of a line",
    "failed": "the whole batch fails: no such model",
    "full": "the whole batch fails: too many tokens are waiting",
    "line": "the whole batch fails for the sake of its first line",
    "lost": "the batch is created, but the connection breaks before its id is told",
    "unmade": "the connection breaks before the batch is created",
    "busy": "429 instead of a new batch",
    "quota": "no credit for a new batch",
    "away": "500 at the first look",
    "gone": "404 at every look",
}


class Books:
    """The batches, and the files of requests."""

    def __init__(self, log: Path, troubles: list[str], delay: float) -> None:
        self.log, self.troubles, self.delay = log, troubles, delay
        self.files: dict[str, list[dict]] = {}
        self.batches: dict[str, dict[str, Any]] = {}

    def trouble(self) -> str:
        """What the next batch meets."""
        if not self.troubles:
            return ""
        return self.troubles[0] if self.troubles[0].endswith("*") else self.troubles.pop(0)

    def create(self, requests: list[dict], metadata: dict, trouble: str) -> dict[str, Any]:
        """A new batch of `{custom_id, body}`; what it will bring is decided and booked at once."""
        id_ = f"batch_{len(self.batches)}"
        made = {"id": id_, "requests": requests, "metadata": metadata, "created": time.time(), "trouble": trouble}
        self.batches[id_] = {**made, "met": 0}
        note(self.log, f"created {id_} {len(requests)}")
        for at, one in enumerate(requests):
            if self.kind(trouble, at) in ("answer", "cut", "lacking"):
                note(self.log, f"paid {id_} {prompt(one['body'])}")
        return self.batches[id_]

    @staticmethod
    def kind(trouble: str, at: int) -> str:
        """What comes of the request at a place."""
        if trouble.rstrip("*") in ("expired", "cancelled"):
            return "answer" if at % 2 else trouble.rstrip("*")
        if trouble == "errors":
            return "passing" if at % 3 == 0 else "hopeless" if at % 5 == 0 else "answer"
        if trouble in ("failed", "full", "line"):
            return "nothing"
        return {"cut": "cut", "lacking": "answer" if at % 2 else "lacking"}.get(trouble, "answer")

    def over(self, batch: dict) -> bool:
        """Whether a batch has ended."""
        return time.time() >= batch["created"] + self.delay

    def outcomes(self, batch: dict) -> list[tuple[str, str, dict]]:
        """Custom id, kind and request of all that has a result, out of order."""
        found = [
            (one["custom_id"], self.kind(batch["trouble"], at), one["body"]) for at, one in enumerate(batch["requests"])
        ]
        found = [one for one in found if one[1] not in ("lacking", "nothing")]
        if batch["trouble"] == "duplicates":
            found += [*found, ("nobody-7", "answer", found[0][2])]
        random.Random(7).shuffle(found)
        return found


def prompt(body: dict) -> str:
    """The first line of what is asked."""
    return body["messages"][-1]["content"].splitlines()[0]


def completion(body: dict, kind: str) -> dict:
    """An answer in OpenAI's form."""
    text, end = f"{prompt(body)}\nFinal Answer: 1", "length" if kind == "cut" else "stop"
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": end}
    written = body.get("max_tokens", body.get("max_completion_tokens")) if kind == "cut" else 5
    usage = {"prompt_tokens": 10, "completion_tokens": written, "total_tokens": 10 + written}
    return {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}


def message(body: dict, kind: str) -> dict:
    """An answer in Anthropic's form."""
    said = [{"type": "text", "text": f"{prompt(body)}\nFinal Answer: 1"}]
    end, written = ("max_tokens", body["max_tokens"]) if kind == "cut" else ("end_turn", 5)
    usage = {"input_tokens": 10, "output_tokens": written}
    return {"id": "x", "type": "message", "role": "assistant", "content": said, "stop_reason": end, "usage": usage}


def openai_line(id_: str, kind: str, body: dict) -> tuple[str, dict]:
    """Which of the two files a result is in, and its line."""
    line: dict[str, Any] = {"id": "r", "custom_id": id_, "response": None, "error": None}
    if kind in ("answer", "cut"):
        return "output", {**line, "response": {"status_code": 200, "request_id": "q", "body": completion(body, kind)}}
    if kind in ("passing", "hopeless"):
        status, why = (500, "try again") if kind == "passing" else (400, "a bad prompt")
        said = {"error": {"message": why, "type": "server_error" if status == 500 else "invalid_request_error"}}
        return "error", {**line, "response": {"status_code": status, "request_id": "q", "body": said}}
    return "error", {**line, "error": {"code": f"batch_{kind}", "message": "its turn did not come"}}


def anthropic_line(id_: str, kind: str, body: dict) -> dict:
    """The line of a result."""
    if kind in ("answer", "cut"):
        return {"custom_id": id_, "result": {"type": "succeeded", "message": message(body, kind)}}
    if kind in ("passing", "hopeless"):
        name = "api_error" if kind == "passing" else "invalid_request_error"
        said = {"type": "error", "error": {"type": name, "message": "a bad prompt"}}
        return {"custom_id": id_, "result": {"type": "errored", "error": said}}
    return {"custom_id": id_, "result": {"type": "canceled" if kind == "cancelled" else kind}}


def openai_view(books: Books, batch: dict) -> dict:
    """What OpenAI tells of a batch."""
    over, trouble, size = books.over(batch), batch["trouble"].rstrip("*"), len(batch["requests"])
    failing = trouble in ("failed", "full", "line")
    word = trouble if trouble in ("expired", "cancelled") else "failed" if failing else "completed"
    files = {openai_line(*one)[0] for one in books.outcomes(batch)} if over else set()
    errors = {
        "failed": {"code": "model_not_found", "message": "The model `m` does not exist", "param": None, "line": None},
        "full": {"code": "token_limit_exceeded", "message": "Enqueued token limit reached", "line": None},
        "line": {"code": "invalid_request", "message": "This line is bad", "param": "body.messages", "line": 1},
    }
    return {
        "id": batch["id"], "object": "batch", "endpoint": "/v1/chat/completions", "completion_window": "24h",
        "created_at": int(batch["created"]), "input_file_id": "f", "metadata": batch["metadata"],
        "status": word if over else "in_progress",
        "request_counts": {"total": size, "completed": size if over else 0, "failed": 0},
        "output_file_id": f"{batch['id']}-output" if "output" in files else None,
        "error_file_id": f"{batch['id']}-error" if "error" in files else None,
        "errors": {"object": "list", "data": [errors[trouble]]} if over and failing else None,
    }  # fmt: skip


def anthropic_view(books: Books, batch: dict, base: str) -> dict:
    """What Anthropic tells of a batch."""
    over, size = books.over(batch), len(batch["requests"])
    counts = {"processing": 0 if over else size, "succeeded": size if over else 0}
    counts |= dict.fromkeys(("errored", "expired", "canceled"), 0)
    made = datetime.fromtimestamp(batch["created"], UTC).isoformat()
    return {
        "id": batch["id"], "type": "message_batch", "processing_status": "ended" if over else "in_progress",
        "request_counts": counts, "created_at": made, "expires_at": made,
        "results_url": f"{base}/v1/messages/batches/{batch['id']}/results" if over else None,
    }  # fmt: skip


def application(books: Books) -> Starlette:
    """The server."""

    def refusal(trouble: str) -> Response | None:
        said = {
            "busy": lambda: error(429, "slow down", retry_after="0.05"),
            "quota": lambda: error(429, "You exceeded your current quota", "insufficient_quota"),
            "unmade": CutOff,
        }.get(trouble)
        return said() if said else None

    async def made(requests: list[dict], metadata: dict, view: Any) -> Response:
        trouble = books.trouble()
        if refused := refusal(trouble):
            return refused
        await asyncio.sleep(books.delay / 10)
        batch = books.create(requests, metadata, trouble)
        await asyncio.sleep(books.delay / 10)
        return CutOff() if trouble == "lost" else JSONResponse(view(batch))

    def looked(id_: str, view: Any) -> Response:
        batch = books.batches.get(id_)
        if batch is None or batch["trouble"] == "gone":
            return error(404, "No such batch")
        batch["met"] += 1
        if books.over(batch) and not batch.get("seen"):
            batch["seen"] = True
            note(books.log, f"ended {id_}")
        return error(500) if batch["trouble"] == "away" and batch["met"] == 1 else JSONResponse(view(batch))

    def downloaded(batch: dict, rows: list[dict]) -> Response:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        batch["met"] += batch["trouble"] in ("torn", "garbled")
        first, batch["torn"] = not batch.get("torn"), True
        if first and batch["trouble"] == "torn":
            return CutOff()
        return PlainTextResponse(text[:-20] if first and batch["trouble"] == "garbled" else text)

    async def upload(request: Request) -> Response:
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        parts = message_from_bytes(head + await request.body()).get_payload()
        form = {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}
        assert form["purpose"] == b"batch"
        rows = [json.loads(line) for line in form["file"].decode().splitlines()]
        assert len({row["custom_id"] for row in rows}) == len(rows)
        assert {(row["method"], row["url"]) for row in rows} == {("POST", "/v1/chat/completions")}
        id_ = f"file_{len(books.files)}"
        books.files[id_] = rows
        return JSONResponse({"id": id_, "object": "file", "purpose": "batch"})

    async def openai_create(request: Request) -> Response:
        body = await request.json()
        rows, metadata = books.files[body["input_file_id"]], body.get("metadata") or {}
        return await made(rows, metadata, lambda batch: openai_view(books, batch))

    async def openai_list(request: Request) -> Response:
        listed = [openai_view(books, one) for one in reversed(books.batches.values())]
        after = request.query_params.get("after")
        start = next((at + 1 for at, one in enumerate(listed) if one["id"] == after), 0)
        page = listed[start : start + 2]  # small pages, so that there are several
        return JSONResponse({"object": "list", "data": page, "has_more": start + 2 < len(listed)})

    async def openai_look(request: Request) -> Response:
        return looked(request.path_params["id"], lambda batch: openai_view(books, batch))

    async def content(request: Request) -> Response:
        id_, _, which = request.path_params["id"].rpartition("-")
        lines = [openai_line(*one) for one in books.outcomes(books.batches[id_])]
        return downloaded(books.batches[id_], [line for name, line in lines if name == which])

    async def anthropic_create(request: Request) -> Response:
        rows = [{"custom_id": one["custom_id"], "body": one["params"]} for one in (await request.json())["requests"]]
        assert all(len(row["custom_id"]) <= 64 for row in rows)
        base = str(request.base_url).rstrip("/")
        return await made(rows, {}, lambda batch: anthropic_view(books, batch, base))

    async def anthropic_list(request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        listed = [anthropic_view(books, one, base) for one in reversed(books.batches.values())]
        after = request.query_params.get("after_id")
        start = next((at + 1 for at, one in enumerate(listed) if one["id"] == after), 0)
        page = listed[start : start + 2]
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": None, "last_id": None}
        return JSONResponse({"data": page, "has_more": start + 2 < len(listed), **ends})

    async def anthropic_look(request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        return looked(request.path_params["id"], lambda batch: anthropic_view(books, batch, base))

    async def results(request: Request) -> Response:
        batch = books.batches[request.path_params["id"]]
        return downloaded(batch, [anthropic_line(*one) for one in books.outcomes(batch)])

    async def answer(request: Request) -> Response:
        body = await request.json()
        note(books.log, f"asked {prompt(body)}")
        made = message if request.url.path.endswith("messages") else completion
        return JSONResponse(made(body, "answer"))

    return Starlette(
        routes=[
            Route("/v1/files", upload, methods=["POST"]),
            Route("/v1/files/{id}/content", content),
            Route("/v1/batches", openai_create, methods=["POST"]),
            Route("/v1/batches", openai_list, methods=["GET"]),
            Route("/v1/batches/{id}", openai_look),
            Route("/v1/messages/batches", anthropic_create, methods=["POST"]),
            Route("/v1/messages/batches", anthropic_list, methods=["GET"]),
            Route("/v1/messages/batches/{id}", anthropic_look),
            Route("/v1/messages/batches/{id}/results", results),
            Route("/v1/chat/completions", answer, methods=["POST"]),
            Route("/v1/messages", answer, methods=["POST"]),
        ]
    )


if __name__ == "__main__":
    port, log = int(sys.argv[1]), Path(sys.argv[2])
    listed = sys.argv[3].split(",") if len(sys.argv) > 3 and sys.argv[3] else []
    assert {one for one in listed if one} <= TROUBLES.keys()
    app = application(Books(log, listed, float(sys.argv[4]) if len(sys.argv) > 4 else 0.0))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical", timeout_graceful_shutdown=1)
