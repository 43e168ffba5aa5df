"""The settings of a server that scores."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sppl.bounds import Count, NotNegative, misfits
from sppl.schemas import UserError

Dialect = Literal["vllm", "sglang"]

TOKEN_TOLERANCE = {"bfloat16": 0.1, "float16": 0.02}
"""Nats by which log-probabilities may differ either way, by the target's dtype; others as float16, whose digits GPUs
multiply float32 with (TF32).

SmolLM2-135M, per unsure token, 20 requests: right bfloat16 differs by 0.02 to 0.07 (another kernel or form; on texts
that are strange to it 0.10), wrong by 0.10 to 0.12 (a lost first token; 0.23 on strange texts), 0.11 to 0.13 (weights
rounded to 8 bits), 0.13 to 0.16 (a doubled first token, another system turn), 0.26 and more (training), 1.8 (4 bits).
float16 differs from float32 by 0.01, a lost first token by 0.07 to 0.09.
"""


@dataclass(frozen=True, kw_only=True)
class ScoringServer:
    """A server on which the target runs, and which tells log-probabilities of given tokens.

    Args:
        dialect: `vllm` (completions with `prompt_logprobs`) or `sglang` (its own `generate` with `logprob_start_len`).
        base_url: of the server, up to `/v1`.
        model: what the server calls the target.
        name: of the server in artifacts' names: the same server at another address keeps it; None: its address.
        api_key_env: NAME of the environment variable that holds the key; None for a server without.
        concurrency: requests under way at once.
        timeout: seconds until a request counts as lost.
        tries: times one request is sent, at most.
        backoff: seconds before the second try, doubled for every further one.
        check: requests that this process scores as well, before the server's other values are trusted.
        tolerance: nats by which the log-probabilities of the checked tokens may be shifted, on average: the differences
            with their sign, per unsure token (`sppl.scoring.trust`).
        token_tolerance: nats by which they may differ either way, on average: the differences without their sign; three
            times as much for the natural logarithms of the ranks. None: by the target's dtype (`TOKEN_TOLERANCE`).
        top: ranks are told up to so many by SGLang, of which that many likeliest tokens are asked; a lower one is told
            as the next number. vLLM tells every rank.
        request: further fields of every request.
    """

    dialect: Dialect
    base_url: str
    model: str
    name: str | None = None
    api_key_env: str | None = None
    concurrency: Count = 16
    timeout: NotNegative = 600.0
    tries: Count = 6
    backoff: NotNegative = 1.0
    check: Count = 20
    tolerance: NotNegative = 0.03
    token_tolerance: NotNegative | None = None
    top: Count = 100
    request: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "request", self.request or {})  # null in a configuration file
        wrong = misfits(self)
        if not str(self.base_url).startswith(("http://", "https://")):
            wrong.append(f"base_url={self.base_url!r} is no address; they look like http://my.host:8000/v1")
        if wrong:
            raise UserError("scorer.server: " + "; ".join(wrong))

    @property
    def place(self) -> str:
        """The server's name for messages."""
        return f"the server at {self.base_url}"

    @property
    def identity(self) -> dict[str, Any]:
        """The server and its model: another server may hold other weights under the same name."""
        told = {"server": self.name or self.base_url, "model": self.model, "dialect": self.dialect}
        told |= {"top": self.top} if self.dialect == "sglang" else {}
        return told | ({"request": dict(self.request)} if self.request else {})

    @property
    def ranks_up_to(self) -> int | None:
        """Ranks up to this one are exact; None where all are."""
        return self.top if self.dialect == "sglang" else None

    def token_limit(self, dtype: str) -> float:
        """Returns by how many nats log-probabilities may differ either way where the target runs in `dtype`."""
        return (
            TOKEN_TOLERANCE.get(dtype, TOKEN_TOLERANCE["float16"])
            if self.token_tolerance is None
            else self.token_tolerance
        )

    def key(self) -> str:
        """Returns the key that requests carry; `none` for a server without.

        Raises:
            UserError: the environment variable is empty.
        """
        if self.api_key_env is None:
            return "none"
        if not (key := os.environ.get(self.api_key_env, "").strip()):
            raise UserError(f"scorer.server: the environment variable {self.api_key_env} holds no key; export it first")
        return key
