"""A stand-in for vLLM and SGLang that scores: the lab's model, a cache of prefixes, and counts of what it computed.

    python -m tests.servers.scoring PORT FOLDER

Both dialects tell log-probabilities of given tokens, below the address /RUN/TROUBLE: every RUN is a server of its own,
whose TROUBLE is one of TROUBLES. FOLDER/RUN gets a line of JSON per request: its `ids`, how many of their first ones
were `cached`, and where the log-probabilities were to `start`. A request's tokens are in the cache once it is over.
Unlike vLLM (which computes all of a prompt whose log-probabilities are asked for) it uses its cache in both dialects.
"""

import asyncio
import json
import math
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import torch
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sppl.models.target import TargetModel
from tests.servers.faulty import error, note

MODEL = "lab"
TROUBLES = {
    "well": "none",
    "near": "every log-probability is 0.001 too low",
    "far": "every log-probability is 0.2 too low",
    "ranks": "every rank is doubled",
    "fewer": "the last token is left out",
    "other": "another tokenizer: every id is one more",
    "nan": "no number for the last token",
    "infinite": "minus infinity for the last token",
    "none": "no log-probabilities at all",
    "no_ranks": "no ranks",
    "busy": "503 for the first time a request comes",
    "html": "no JSON",
    "400": "400 for every request",
    "late": "400 for every request after the 40th",
}


class Server:
    """One run's cache and log.

    Args:
        model: the lab's.
        log: of this run.
        trouble: what goes wrong.
    """

    def __init__(self, model: Any, log: Path, trouble: str) -> None:
        self.model, self.log, self.trouble = model, log, trouble
        self.cached: set[tuple[int, ...]] = set()
        self.met = Counter[tuple[int, ...]]()

    async def logprobs(self, ids: tuple[int, ...], start: int) -> tuple[torch.Tensor, Response | None]:
        """`[tokens - 1, vocabulary]`, for all tokens but the first; or what stands in their place."""
        self.met[ids] += 1
        if self.trouble == "busy" and self.met[ids] == 1:
            return torch.empty(0), error(503)
        if self.trouble == "400" or (self.trouble == "late" and len(self.met) > 40):
            return torch.empty(0), error(400, "this server is about to stop")
        if self.trouble == "html":
            return torch.empty(0), Response("<html>gateway</html>")
        hit = next((n for n in range(len(ids) - 1, 0, -1) if ids[:n] in self.cached), 0)
        note(self.log, json.dumps({"ids": ids, "cached": min(hit, start), "start": start}))
        await asyncio.sleep(0.01)  # as long as others may come in
        with torch.inference_mode():
            found = self.model(input_ids=torch.tensor([ids])).logits[0, :-1].float().log_softmax(-1)
        self.cached |= {ids[:n] for n in range(1, len(ids) + 1)}
        return found - {"near": 0.001, "far": 0.2}.get(self.trouble, 0.0), None


def application(folder: Path) -> Starlette:
    """The servers."""
    model, servers = TargetModel(MODEL, "sppl/lab/checkpoint").load().eval(), dict[str, Server]()

    def server(request: Request) -> Server:
        run, trouble = request.path_params["run"], request.path_params["trouble"]
        assert trouble in TROUBLES
        return servers.setdefault(f"{run}/{trouble}", Server(model, folder / run, trouble))

    def told(trouble: str, logprob: float, at: int, last: int) -> float:
        return {"nan": math.nan, "infinite": -math.inf}.get(trouble, logprob) if at == last else logprob

    def answered(body: Any) -> Response:
        return Response(json.dumps(body), media_type="application/json")  # with NaN, as servers do

    async def vllm(request: Request) -> Response:
        here, body = server(request), await request.json()
        trouble = here.trouble
        if body["model"] != MODEL:
            return error(404, f"The model `{body['model']}` does not exist")
        assert (body["prompt_logprobs"], body["max_tokens"], body["temperature"]) == (0, 1, 0.0)
        ids = tuple(body["prompt"])
        found, refused = await here.logprobs(ids, len(ids))
        if refused:
            return refused
        rows: list[dict | None] = [None]
        for at, (token, row) in enumerate(zip(ids[1:], found, strict=True), 1):
            rank = int((row >= row[token]).sum()) * (2 if trouble == "ranks" else 1)
            entry = {
                "logprob": told(here.trouble, float(row[token]), at, len(ids) - 1),
                "rank": rank,
                "decoded_token": "?",
            }
            entry |= {"rank": None} if trouble == "no_ranks" else {}
            rows.append({str(token + (trouble == "other")): entry})
        choice: dict[str, Any] = {"index": 0, "text": "?", "finish_reason": "length"}
        if trouble != "none":
            choice["prompt_logprobs"] = rows[: len(rows) - (trouble == "fewer")]
        return answered({"id": "x", "object": "text_completion", "choices": [choice]})

    async def sglang(request: Request) -> Response:
        here, body = server(request), await request.json()
        trouble = here.trouble
        assert body["return_logprob"] is True
        ids, start, top = tuple(body["input_ids"]), body["logprob_start_len"], body["top_logprobs_num"]
        found, refused = await here.logprobs(ids, start)
        if refused:
            return refused
        values: list[list] = [[None, ids[start], None]]
        tops: list[list | None] = [None]
        for at in range(start + 1, len(ids)):
            row, token = found[at - 1], ids[at]
            likeliest = row.topk(min(top, len(row)))
            values.append([told(here.trouble, float(row[token]), at, len(ids) - 1), token + (trouble == "other"), None])
            tops.append([[float(v), int(i), None] for v, i in zip(likeliest.values, likeliest.indices, strict=True)])
            if trouble == "ranks":
                tops[-1] = [[0.0, 0, None], *tops[-1]]
        meta = {"input_token_logprobs": values, "input_top_logprobs": tops}
        if trouble == "fewer":
            meta = {name: column[2:] for name, column in meta.items()}
        meta = {} if trouble == "none" else {"input_token_logprobs": values} if trouble == "no_ranks" else meta
        return answered({"text": "?", "meta_info": {"id": "x", **meta}})

    routes = [
        Route("/{run}/{trouble}/v1/completions", vllm, methods=["POST"]),
        Route("/{run}/{trouble}/generate", sglang, methods=["POST"]),
    ]
    return Starlette(routes=routes)


if __name__ == "__main__":
    app = application(Path(sys.argv[2]))
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical", timeout_graceful_shutdown=1)
