"""The protocols of vLLM and SGLang for log-probabilities of given tokens: requests and answers."""

import math
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from sppl.schemas import UserError
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.server_settings import ScoringServer

Values = tuple[np.ndarray, np.ndarray]
"""Log-probabilities (float32, nats) and ranks (int32) of a request's scored tokens."""


def path_of(server: ScoringServer) -> str:
    """Returns the path that requests are sent to."""
    base = server.base_url.rstrip("/")
    return f"{base}/completions" if server.dialect == "vllm" else f"{base.removesuffix('/v1')}/generate"


def body_of(server: ScoringServer, request: ScoringRequest) -> dict[str, Any]:
    """Returns the fields of a request; a server has to write at least one token, which is ignored."""
    ids = [*request.prefix, *request.response]
    if server.dialect == "vllm":
        fixed = {"model": server.model, "prompt": ids, "max_tokens": 1, "temperature": 0.0, "prompt_logprobs": 0}
        return fixed | dict(server.request)
    sampling = {"max_new_tokens": 1, "temperature": 0.0}
    fixed = {"input_ids": ids, "sampling_params": sampling, "return_logprob": True, "top_logprobs_num": server.top}
    return fixed | {"logprob_start_len": max(0, len(request.prefix) - 1)} | dict(server.request)


def values_of(server: ScoringServer, request: ScoringRequest, body: Any) -> Values:
    """Returns the values in an answer.

    Raises:
        UserError: it has none, has them of fewer or of other tokens, or some are no numbers.
    """
    found = (_vllm if server.dialect == "vllm" else _sglang)(server, request, body)
    logprobs, ranks = (np.array(column) for column in zip(*found, strict=True))
    bad = int((~np.isfinite(logprobs.astype(float))).sum())
    if bad:
        raise UserError(
            f"{server.place} gives {bad} of {len(logprobs)} tokens no finite log-probability; start it with another "
            "precision (--dtype bfloat16 or float32)"
        )
    return logprobs.astype(np.float32), ranks.astype(np.int32)


def _vllm(server: ScoringServer, request: ScoringRequest, body: Any) -> list[tuple[float, int]]:
    choices = body.get("choices") if isinstance(body, Mapping) else None
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], Mapping) else {}
    told = choice.get("prompt_logprobs") or (body.get("prompt_logprobs") if isinstance(body, Mapping) else None)
    if not isinstance(told, list):
        _without(server, "prompt_logprobs")
    ids = [*request.prefix, *request.response]
    _refuse_other_length(server, len(told), len(ids))
    found = []
    for at in range(len(ids) - request.n_scored, len(ids)):
        entry = (told[at] or {}).get(str(ids[at]))
        if entry is None:
            _refuse_other_token(server, at, ids[at], ", ".join(list(told[at] or {})[:3]) or "nothing")
        if not isinstance(entry.get("rank"), int):
            _without(server, "the rank of a token")
        found.append((_number(entry.get("logprob")), entry["rank"]))
    return found


def _sglang(server: ScoringServer, request: ScoringRequest, body: Any) -> list[tuple[float, int]]:
    meta = body.get("meta_info") if isinstance(body, Mapping) else None
    told = meta.get("input_token_logprobs") if isinstance(meta, Mapping) else None
    tops = meta.get("input_top_logprobs") if isinstance(meta, Mapping) else None
    if not isinstance(told, list) or not isinstance(tops, list):
        _without(server, "input_token_logprobs and input_top_logprobs")
    n = request.n_scored
    for values in (told, tops):
        if len(values) < n:
            _refuse_other_length(server, len(values), n)
    found, start = [], len(request.prefix) + len(request.response) - n
    wanted = request.response[len(request.response) - n :]
    for at, (token, (value, id_, *_), top) in enumerate(zip(wanted, told[-n:], tops[-n:], strict=True)):
        if id_ != token:
            _refuse_other_token(server, start + at, token, str(id_))
        own = _number(value)
        found.append((own, 1 + sum(_number(other[0]) > own for other in top or ())))
    return found


def _number(value: Any) -> float:
    """The value as a number; NaN where it is none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _refuse_other_length(server: ScoringServer, told: int, asked: int) -> None:
    if told != asked:
        raise UserError(
            f"{server.place} tells log-probabilities of {told} tokens where {asked} were sent; switch off what cuts "
            "prompts there, or score in this process: scorer=default"
        )


def _refuse_other_token(server: ScoringServer, at: int, sent: int, told: Any) -> NoReturn:
    raise UserError(
        f"{server.place} read another token than was sent: number {at + 1} is {sent}, and it tells of {told}; it has "
        "another tokenizer. Serve the target itself there (target_model.path), and say what it is called: "
        "scorer.server.model=NAME"
    )


def _without(server: ScoringServer, what: str) -> NoReturn:
    raise UserError(
        f"{server.place} answers without {what}; vLLM and SGLang tell them (scorer.server.dialect=vllm|sglang, "
        "docs/servers.md), other servers cannot score: scorer=default scores in this process"
    )
