"""Compares a server's values with those of this process, or of an earlier run, on some requests."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sppl.scoring.requests import ScoringRequest
from sppl.scoring.server_protocols import Values
from sppl.scoring.server_settings import ScoringServer

RANKS = 3.0
"""How many times as far as log-probabilities the logarithms of ranks may differ. Rounded logits are often equal, and
servers count equal ones in their own ways: in bfloat16 right forms differ by up to 0.17 (20 requests of the lab's
model), while ranks that are doubled differ by 0.7 and more."""
CHANCE = 2.0
"""By how many times its limit, divided by the root of the unsure tokens, a mean may lie beyond it by chance. A token's
rounding error is about as large as the limit: this is two of a mean's standard errors."""


class Agreement(NamedTuple):
    """The differences between two scorers of the same requests.

    They are given per unsure token: divided by the sum of 1 - p over all tokens, p being the token's probability. A
    token that the target is sure of has the log-probability 0 however it is rounded, and many tokens of long responses
    are such; of short ones few are, and the same server would seem to differ twice as much there.
    """

    requests: int
    tokens: int
    unsure: float
    """The sum of 1 - p over the tokens, at least 1."""
    shift: float
    """Nats per unsure token: differences of log-probabilities, with their sign. Rounding averages out."""
    logprobs: float
    """Nats per unsure token: the same differences without their sign."""
    ranks: float
    """Differences of the ranks' natural logarithms without their sign, per unsure token."""


def sample_requests(requests: Sequence[ScoringRequest], n: int) -> list[ScoringRequest]:
    """Returns up to `n` of the requests, the same every time, spread over all of them."""
    ordered = sorted(requests, key=lambda one: (one.prefix, one.response, one.index))
    step = max(1.0, len(ordered) / n)
    return [ordered[int(at * step)] for at in range(min(n, len(ordered)))]


def compare_values(known: Sequence[Values], theirs: Sequence[Values], ranks_up_to: int | None) -> Agreement:
    """Compares the values of the same requests; ranks beyond `ranks_up_to` count as equal."""
    logprobs, others = (np.concatenate([one[0] for one in values]).astype(float) for values in (known, theirs))
    most = np.inf if ranks_up_to is None else ranks_up_to + 1
    ranks = [np.log(np.minimum(np.concatenate([one[1] for one in values]), most)) for values in (known, theirs)]
    unsure = max(1.0, float((1 - np.exp(np.minimum(logprobs, 0))).sum()))
    apart = others - logprobs
    sums = apart.sum(), np.abs(apart).sum(), np.abs(ranks[1] - ranks[0]).sum()
    return Agreement(len(known), len(logprobs), unsure, *(float(one) / unsure for one in sums))


def disagreement(server: ScoringServer, dtype: str, found: Agreement) -> str:
    """Returns what differs by more than is allowed where the target runs in `dtype`; empty where nothing does."""
    each, chance = server.token_limit(dtype), CHANCE * server.token_limit(dtype) / found.unsure**0.5
    whole, single = f"scorer.server.tolerance={server.tolerance:g}", f"scorer.server.token_tolerance={each:g}"
    said = [
        f"{what} by {value:.3g} (allowed: {limit + chance:.2g}, for {setting})"
        for what, value, limit, setting in (
            ("log-probabilities are shifted", found.shift, server.tolerance, whole),
            ("log-probabilities differ", found.logprobs, each, single),
            ("logarithms of the ranks differ", found.ranks, RANKS * each, f"{RANKS:g} times {single}"),
        )
        if not abs(value) <= limit + chance
    ]
    about = f"over {found.tokens} tokens of {found.requests} requests, per token that the target is not sure of, the "
    return about + " and the ".join(said) if said else ""
