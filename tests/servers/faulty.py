"""An OpenAI-compatible and Anthropic-compatible server whose next answers are faults, as the test says.

    python -m tests.servers.faulty PORT LOG [FAULT,FAULT,...]

Every prompt meets the listed faults in turn, then is answered. LOG gets two lines per request and one per good answer:
`asked PROMPT`, `fields JSON` (all but the messages), `sent PROMPT`.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

Answer = Callable[[str], Response]


def completion(text: str, finish: str = "stop", choices: int = 1) -> Response:
    """A chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    body = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice] * choices}
    return JSONResponse({**body, "usage": usage})


def message(text: str) -> Response:
    """An answer in Anthropic's form."""
    body = {
        "id": "x",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": text}],
    }
    return JSONResponse({**body, "stop_reason": "end_turn", "usage": {"input_tokens": 10, "output_tokens": 5}})


class CutOff(Response):
    """Promises more bytes than it sends, then closes."""

    async def __call__(self, scope: object, receive: object, send: Callable[[dict], Awaitable[None]]) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"id": "x", "cho', "more_body": True})
        raise ConnectionResetError


def error(status: int, **headers: str) -> Response:
    """An error in OpenAI's form."""
    names = {key.replace("_", "-"): value for key, value in headers.items()}
    return JSONResponse({"error": {"message": f"fault {status}", "type": "fault"}}, status, headers=names)


FAULTS: dict[str, Callable[[], Response]] = {
    "429": lambda: error(429),
    "429_after": lambda: error(429, retry_after="0.05"),
    "500": lambda: error(500),
    "409": lambda: error(409),
    "cut": CutOff,
    "malformed": lambda: Response('{"id": "x", "choi', media_type="application/json"),
    "html": lambda: PlainTextResponse("<html>gateway</html>"),
    "no_choices": lambda: completion("", choices=0),
    "empty": lambda: completion("  "),
    "length": lambda: completion("half an ans", finish="length"),
    "filter": lambda: completion("", finish="content_filter"),
    "400": lambda: error(400),
    "401": lambda: error(401),
    "404": lambda: error(404),
    "last_of_minute": lambda: _last_of_minute(),
}


def _last_of_minute() -> Response:
    response = completion("Final Answer: 1")
    response.headers.update({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "50ms"})
    return response


def application(faults: list[str], log: Path, delay: float = 0.0) -> Starlette:
    """The server; `hang` answers later than any client waits."""
    met: Counter[str] = Counter()
    active = {"now": 0, "most": 0}

    async def answer(request: Request) -> Response:
        body = await request.json()
        prompt = body["messages"][-1]["content"].splitlines()[0]
        note(log, f"asked {prompt}")
        note(log, f"fields {json.dumps({name: body[name] for name in sorted(body) if name != 'messages'})}")
        active["now"] += 1
        active["most"] = max(active.values())
        met[prompt] += 1
        fault = faults[met[prompt] - 1] if met[prompt] <= len(faults) else ""
        await asyncio.sleep(60 if fault == "hang" else delay)
        active["now"] -= 1
        if body["model"] != "m":
            return error(404)
        if fault:
            return FAULTS[fault]()
        note(log, f"sent {prompt}")
        text = f"{prompt}\nFinal Answer: 1"
        return message(text) if request.url.path.endswith("messages") else completion(text)

    async def most(_: Request) -> Response:
        return JSONResponse(active)

    routes = [Route("/v1/chat/completions", answer, methods=["POST"]), Route("/v1/messages", answer, methods=["POST"])]
    return Starlette(routes=[*routes, Route("/active", most)])


def note(log: Path, line: str) -> None:
    """Appends a line at once."""
    with log.open("a") as stream:
        stream.write(line + "\n")


if __name__ == "__main__":
    port, log = int(sys.argv[1]), Path(sys.argv[2])
    listed = sys.argv[3].split(",") if len(sys.argv) > 3 and sys.argv[3] else []
    app = application(listed, log, delay=float(sys.argv[4]) if len(sys.argv) > 4 else 0.0)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical", timeout_graceful_shutdown=1)
