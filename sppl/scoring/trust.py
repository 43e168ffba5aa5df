"""Checks a server's values against those of this process on some requests."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sppl.schemas import UserError
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.server_protocols import Values
from sppl.scoring.server_settings import ScoringServer


class Agreement(NamedTuple):
    """The differences between two scorers on some requests."""

    requests: int
    tokens: int
    logprobs: float
    """Nats: the mean absolute difference over a response's tokens, of the response where it is largest."""
    ranks: float
    """The mean absolute difference of the ranks' natural logarithms over all tokens."""


def sample_requests(requests: Sequence[ScoringRequest], n: int) -> list[ScoringRequest]:
    """Returns up to `n` of the requests, the same every time, spread over all of them."""
    ordered = sorted(requests, key=lambda one: (one.prefix, one.response, one.index))
    step = max(1.0, len(ordered) / n)
    return [ordered[int(at * step)] for at in range(min(n, len(ordered)))]


def compare_values(ours: Sequence[Values], theirs: Sequence[Values], ranks_up_to: int | None) -> Agreement:
    """Compares the values of the same requests; ranks beyond `ranks_up_to` count as equal."""
    pairs = list(zip(ours, theirs, strict=True))
    apart = [float(np.abs(one[0] - other[0]).mean()) if len(one[0]) else 0.0 for one, other in pairs]
    most = np.inf if ranks_up_to is None else ranks_up_to + 1
    logs = [np.abs(np.log(np.minimum(one[1], most)) - np.log(np.minimum(other[1], most))) for one, other in pairs]
    ranks = np.concatenate(logs)
    return Agreement(len(pairs), len(ranks), max(apart), float(ranks.mean()) if len(ranks) else 0.0)


def refuse_disagreement(server: ScoringServer, found: Agreement) -> None:
    """Refuses a server whose values differ from ours.

    Raises:
        UserError: they differ by more than the tolerance.
    """
    said = [
        f"the {what} by {value:.3g} on average{where}"
        for what, value, where in (
            ("log-probabilities differ", found.logprobs, " over the tokens of one response"),
            ("logarithms of the ranks differ", found.ranks, f" over {found.tokens} tokens"),
        )
        if not value <= server.tolerance
    ]
    if said:
        raise UserError(
            f"{server.place} does not score as the target does in this process: of {found.requests} requests "
            f"{' and '.join(said)}, scorer.server.tolerance={server.tolerance:g} are allowed. Serve the same weights "
            "there, unquantised, with the same --dtype as target_model.dtype; or score in this process: scorer=default"
        )
