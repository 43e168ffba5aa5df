"""Scores on a server that runs the target, after a check of its values."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sppl.artifacts.journal import Journal
from sppl.artifacts.provenance import fingerprint
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.server_settings import ScoringServer

if TYPE_CHECKING:
    from sppl.scoring.scorer import Scored
    from sppl.scoring.server_protocols import Values

log = logging.getLogger(__name__)


def score_on_server(
    server: ScoringServer,
    requests: Sequence[ScoringRequest],
    in_process: "Callable[[Sequence[ScoringRequest]], list[Values]]",
    folder: Path,
) -> tuple[dict[int, "Scored"], dict[str, Any]]:
    """Returns the values of the requests by their number, and facts about the server.

    Some requests are also scored by `in_process`, before any other is sent. Values are written to `folder` before the
    next request is sent; values found there are not asked for again.

    Raises:
        UserError: the server does not answer as it should, or not as the target.
    """
    from sppl.scoring.scorer import Scored
    from sppl.scoring.trust import compare_values, refuse_disagreement, sample_requests

    journal, names = Journal(folder / "server.jsonl"), {one.index: _name(one) for one in requests}
    checked = sample_requests(requests, server.check)
    theirs = _asked(server, checked, journal)
    found = compare_values(in_process(checked), [theirs[_name(one)] for one in checked], server.ranks_up_to)
    refuse_disagreement(server, found)
    log.info(
        "%s scores as the target: of %d requests the log-probabilities differ by %.2g nats at most, the logarithms of "
        "the ranks by %.2g",
        server.place, found.requests, found.logprobs, found.ranks,
    )  # fmt: skip
    values = _asked(server, requests, journal)
    scored = {number: Scored(number, *values[name], {}) for number, name in names.items()}
    return scored, {"device": f"server {server.name or server.base_url}", "checked": found._asdict()}


def _asked(server: ScoringServer, requests: Sequence[ScoringRequest], journal: Journal) -> "dict[str, Values]":
    """The values by the name of a request; those that the journal lacks are asked for, each response once."""
    from sppl.scoring.server_requests import request_values

    known = journal.read()
    missing = {_name(one): one for one in requests if _name(one) not in known}
    for one, (logprobs, ranks) in request_values(server, list(missing.values())):
        journal.add(_name(one), logprobs=logprobs.tolist(), ranks=ranks.tolist())
    return {
        name: (np.array(one["logprobs"], dtype=np.float32), np.array(one["ranks"], dtype=np.int32))
        for name, one in journal.read().items()
    }


def _name(request: ScoringRequest) -> str:
    return "-".join(
        fingerprint([part, list(ids)]) for part, ids in (("prefix", request.prefix), ("", request.response))
    )
