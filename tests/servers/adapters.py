"""A stand-in for vLLM with `--enable-lora`: the lab's model, adapters loaded while it runs, answers in any order.

    python -m tests.servers.adapters PORT LOG [TROUBLE]

LOG gets a line per request and per answer. TROUBLE is `busy` (the first request of every prompt is turned away),
`cut` (every answer is cut off) or `blind` (no folder of the client is there for it).
"""

import asyncio
import sys
from collections import Counter
from pathlib import Path

import torch
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sppl.generation.answer import Prompt
from sppl.generation.answering import LocalAnswering
from sppl.models.target import TargetModel
from tests.servers.faulty import error, note

MODEL = "lab"


def application(log: Path, trouble: str) -> Starlette:
    answering = LocalAnswering(TargetModel("lab", "sppl/lab/checkpoint"), torch.device("cpu"))
    adapters: dict[str, Path] = {}
    met: Counter[str] = Counter()
    turn = asyncio.Lock()

    async def models(_: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": name} for name in (MODEL, *adapters)]})

    async def load(request: Request) -> Response:
        body = await request.json()
        note(log, f"load {body['lora_name']}")
        if body["lora_name"] in adapters:
            return JSONResponse({"message": f"{body['lora_name']} has already been loaded"}, 400)
        if trouble == "blind":
            return JSONResponse({"message": "no adapter found"}, 404)
        adapters[body["lora_name"]] = Path(body["lora_path"])
        return PlainTextResponse("Success")

    async def answer(request: Request) -> Response:
        body = await request.json()
        question = body["messages"][-1]["content"]
        note(log, f"asked {body['model']} {question}")
        met[question] += 1
        if body["model"] not in (MODEL, *adapters):
            return error(404)
        if trouble == "busy" and met[question] == 1:
            return error(429, retry_after="0.01")
        await asyncio.sleep(0.3 / met.total())  # the first to ask are the last to be answered
        async with turn:
            limit = 3 if trouble == "cut" else body["max_tokens"]
            (made,) = answering.answer(
                [Prompt("x", body["messages"])], max_new_tokens=limit, trained=adapters.get(body["model"])
            )
        choice = {"index": 0, "message": {"role": "assistant", "content": made.text}}
        choice["finish_reason"] = "stop" if made.ended else "length"
        usage = {"prompt_tokens": 1, "completion_tokens": made.n_tokens, "total_tokens": made.n_tokens + 1}
        made_of = {"id": "x", "object": "chat.completion", "created": 0, "model": body["model"]}
        return JSONResponse({**made_of, "choices": [choice], "usage": usage})

    return Starlette(
        routes=[
            Route("/v1/models", models),
            Route("/v1/load_lora_adapter", load, methods=["POST"]),
            Route("/v1/chat/completions", answer, methods=["POST"]),
        ]
    )


if __name__ == "__main__":
    app = application(Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical", timeout_graceful_shutdown=1)
