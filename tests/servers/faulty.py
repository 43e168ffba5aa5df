"""An OpenAI-compatible and Anthropic-compatible server whose next answers are faults, as the test says.

    python -m tests.servers.faulty PORT LOG [FAULT,FAULT,...] [DELAY]

Every prompt meets the listed faults in turn, then is answered; `FAULT*` is met for ever, `FAULT>N` by every request
once N were answered. LOG gets lines per request: `asked PROMPT`, `fields JSON` (all but the messages), then `sent
PROMPT` for a good answer and `used READ WRITTEN` where the response tells its usage.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def completion(content: Any, finish: Any = "stop", choices: Any = None, usage: Any = USAGE, **message: Any) -> Response:
    """A chat completion; `usage=None` tells none."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
    body = {"id": "x", "object": "chat.completion", "created": 0, "model": "m"}
    body["choices"] = [choice] if choices is None else choices
    return JSONResponse({**body, **({} if usage is None else {"usage": usage})})


def message(text: str, stop: str = "end_turn", written: int = 5) -> Response:
    """An answer in Anthropic's form."""
    body = {
        "id": "x",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": text}],
    }
    return JSONResponse({**body, "stop_reason": stop, "usage": {"input_tokens": 10, "output_tokens": written}})


class CutOff(Response):
    """Promises more bytes than it sends, then closes."""

    async def __call__(self, scope: object, receive: object, send: Callable[[dict], Awaitable[None]]) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"id": "x", "cho', "more_body": True})
        raise ConnectionResetError


class Drip(Response):
    """Sends a byte now and then, so that no read ever times out, and never ends."""

    async def __call__(self, scope: object, receive: object, send: Callable[[dict], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        for _ in range(300):
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.sleep(0.2)


def error(status: int, what: str = "", code: str | None = None, **headers: str) -> Response:
    """An error in OpenAI's form."""
    names = {key.replace("_", "-"): value for key, value in headers.items()}
    said = {"message": what or f"fault {status}", "type": code or "fault", "param": None, "code": code}
    return JSONResponse({"error": said}, status, headers=names)


def full(body: dict, finish: str = "stop") -> Response:
    """An answer that used all tokens it might have."""
    limit = body.get("max_tokens") or body["max_completion_tokens"]
    return completion("Final Answer: 1", finish, usage={**USAGE, "completion_tokens": limit})


def in_200(**body: Any) -> Response:
    """A body that is no answer, with the status of one."""
    return JSONResponse(body)


def soon() -> str:
    """A date in HTTP's form, some seconds ago on a coarse clock: to be waited for no longer."""
    return format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)


QUOTA = "You exceeded your current quota, please check your plan and billing details."
GOOD = "Final Answer: 1"

FAULTS: dict[str, Callable[[dict], Response]] = {
    "429": lambda _: error(429),
    "429_after": lambda _: error(429, retry_after="0.05"),
    "429_date": lambda _: error(429, retry_after=soon()),
    "429_day": lambda _: error(429, retry_after="86400"),
    "500": lambda _: error(500),
    "409": lambda _: error(409),
    "cut": lambda _: CutOff(),
    "drip": lambda _: Drip(),
    "malformed": lambda _: Response('{"id": "x", "choi', media_type="application/json"),
    "html": lambda _: PlainTextResponse("<html>gateway</html>"),
    "no_choices": lambda _: completion("", choices=[]),
    "null_choice": lambda _: completion("", choices=[None]),
    "empty": lambda _: completion("  "),
    "length": lambda body: full(body, "length"),
    "max_tokens": lambda body: message("half an ans", "max_tokens", body["max_tokens"]),
    "full": full,
    "filter": lambda _: completion("", finish="content_filter"),
    "tool": lambda _: completion("half an ans", finish="tool_calls"),
    "odd_end": lambda _: completion("half an ans", finish="abort"),
    "no_end": lambda _: completion("half an ans", finish=None),
    "refusal": lambda _: completion(None, refusal="I will not do that."),
    "parts": lambda _: completion([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": GOOD}]),
    "picture": lambda _: completion([{"type": "text", "text": GOOD}, {"type": "image_url", "image_url": {}}]),
    "no_usage": lambda _: completion(GOOD, usage=None),
    "text_usage": lambda _: completion(GOOD, usage="many"),
    "text_tokens": lambda _: completion(GOOD, usage={"prompt_tokens": "10", "completion_tokens": "5"}),
    "minus_usage": lambda _: completion(GOOD, usage={"prompt_tokens": -10, "completion_tokens": 5}),
    "error_in_200": lambda _: in_200(error={"message": "upstream is down", "code": 502}),
    "quota_in_200": lambda _: in_200(error={"message": "Insufficient credits", "code": 402}),
    "message_in_200": lambda _: in_200(object="error", message="The model `m` does not exist.", code=404),
    "quota": lambda _: error(429, QUOTA, "insufficient_quota"),
    "hard_limit": lambda _: error(400, "Billing hard limit has been reached", "billing_hard_limit_reached"),
    "402": lambda _: error(402, "Insufficient Balance"),
    "balance": lambda _: error(400, "Your credit balance is too low to access the API.", "invalid_request_error"),
    "key": lambda body: error(401, "Incorrect API key provided: sk-abcdefghijklmnopqrstuvwxyz.", "invalid_api_key"),
    "model": lambda _: error(404, "The model `m` does not exist", "model_not_found"),
    "permission": lambda _: error(403, "You have no access to this project", "permission_error"),
    "field": lambda _: error(400, "Unsupported parameter: 'max_tokens'", "unsupported_parameter"),
    "400": lambda _: error(400),
    "401": lambda _: error(401),
    "404": lambda _: error(404),
    "last_of_minute": lambda _: _last_of_minute(),
}


def _last_of_minute() -> Response:
    response = completion("Final Answer: 1")
    response.headers.update({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "50ms"})
    return response


def application(faults: list[str], log: Path, delay: float = 0.0) -> Starlette:
    """The server; `hang` answers later than any client waits."""
    met: Counter[str] = Counter()
    active, answered = {"now": 0, "most": 0}, Counter[str]()

    async def answer(request: Request) -> Response:
        body = await request.json()
        prompt = body["messages"][-1]["content"].splitlines()[0]
        note(log, f"asked {prompt}")
        if request.headers.get("x-api-key") or request.headers.get("authorization", "Bearer none") != "Bearer none":
            note(log, "with a key")
        note(log, f"fields {json.dumps({name: body[name] for name in sorted(body) if name != 'messages'})}")
        active["now"] += 1
        active["most"] = max(active.values())
        met[prompt] += 1
        fault = next_fault(faults, met[prompt], answered["good"])
        answered["good"] += not fault
        await asyncio.sleep(60 if fault == "hang" else delay)
        active["now"] -= 1
        response = made(request, body, fault, f"{prompt}\n{GOOD}")
        if not fault:
            note(log, f"sent {prompt}")
        if used := usage_in(response):
            note(log, f"used {used[0]} {used[1]}")
        return response

    async def most(_: Request) -> Response:
        return JSONResponse(active)

    routes = [Route("/v1/chat/completions", answer, methods=["POST"]), Route("/v1/messages", answer, methods=["POST"])]
    return Starlette(routes=[*routes, Route("/active", most)])


def next_fault(faults: list[str], time: int, answered: int) -> str:
    """The fault that a prompt meets the n-th time it is asked; empty for none."""
    listed = [name for name in faults if ">" not in name]
    late = [name.partition(">")[0] for name in faults if ">" in name and answered >= int(name.partition(">")[2])]
    forever = [name.rstrip("*") for name in listed[-1:] if name.endswith("*")]
    return [*late, *(name.rstrip("*") for name in listed[time - 1 : time]), *forever, ""][0]


def made(request: Request, body: dict, fault: str, text: str) -> Response:
    """The answer, or what stands in its place."""
    if body["model"] != "m":
        return error(404)
    key = str(request.headers.get("authorization") or request.headers.get("x-api-key"))
    if fault == "echo_200":  # an answer that repeats the key
        said = f"You sent {key}\nFinal Answer: 1"
        return message(said) if request.url.path.endswith("messages") else completion(said)
    if fault == "echo_late":  # in a long message, where it would be cut in the middle
        return error(400, "x" * 285 + " " + key)
    if fault.startswith("away_"):  # to another server
        address = f"http://127.0.0.1:{fault.removeprefix('away_')}{request.url.path}"
        return Response(status_code=307, headers={"location": address})
    if fault.startswith("echo_"):  # repeats the key it was sent, as some gateways do
        return error(int(fault.removeprefix("echo_")), f"denied: {key}")
    if fault:
        return FAULTS[fault](body)
    return message(text) if request.url.path.endswith("messages") else completion(text)


def usage_in(response: Response) -> tuple[int, int] | None:
    """The tokens that a response tells, as far as they are numbers."""
    try:
        usage = json.loads(bytes(response.body))["usage"]
        both = (
            usage.get("prompt_tokens", usage.get("input_tokens")),
            usage.get("completion_tokens", usage.get("output_tokens")),
        )
    except (AttributeError, ValueError, KeyError):
        return None
    return both if all(isinstance(n, int) and n >= 0 for n in both) else None


def note(log: Path, line: str) -> None:
    """Appends a line at once."""
    with log.open("a") as stream:
        stream.write(line + "\n")


if __name__ == "__main__":
    port, log = int(sys.argv[1]), Path(sys.argv[2])
    listed = sys.argv[3].split(",") if len(sys.argv) > 3 and sys.argv[3] else []
    app = application(listed, log, delay=float(sys.argv[4]) if len(sys.argv) > 4 else 0.0)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical", timeout_graceful_shutdown=1)
