"""Scores on a server that runs the target, after a check of its values."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sppl.artifacts.journal import Journal
from sppl.artifacts.provenance import fingerprint
from sppl.schemas import UserError
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.server_settings import ScoringServer

if TYPE_CHECKING:
    from sppl.scoring.scorer import Scored
    from sppl.scoring.server_protocols import Values
    from sppl.scoring.trust import Agreement

log = logging.getLogger(__name__)


def score_on_server(
    server: ScoringServer,
    requests: Sequence[ScoringRequest],
    in_process: "Callable[[Sequence[ScoringRequest]], list[Values]]",
    folder: Path,
    dtype: str,
) -> tuple[dict[int, "Scored"], dict[str, Any]]:
    """Returns the values of the requests by their number, and facts about the server.

    Some requests are asked for and scored by `in_process` in every run, before any other is sent: another server may
    stand at the address since the last one. Values of a server that passed are written to `folder` before the next
    request is sent; values found there are not asked for again.

    Args:
        dtype: the target's, which says by how much correct values may differ.

    Raises:
        UserError: the server does not answer as it should, or not as the target, or not as what lies in the folder.
    """
    from sppl.scoring.scorer import Scored
    from sppl.scoring.server_requests import request_values
    from sppl.scoring.trust import sample_requests

    journal, named = Journal(folder / "server.jsonl"), {_name(one): one for one in requests}
    checked = {_name(one): one for one in sample_requests(list(named.values()), server.check)}
    now = {_name(one): values for one, values in request_values(server, list(checked.values()))}
    ours = dict(zip(checked, in_process(list(checked.values())), strict=True))
    found = _check_server(server, ours, now, dtype)
    values = _read(journal)
    _check_journal(server, values, now, dtype, journal.path)

    def keep(name: str, one: "Values") -> None:
        journal.add(name, logprobs=one[0].tolist(), ranks=one[1].tolist())
        values[name] = one

    for name in now.keys() - values.keys():
        keep(name, now[name])
    for one, told in request_values(server, [one for name, one in named.items() if name not in values]):
        keep(_name(one), told)
    scored = {one.index: Scored(one.index, *values[_name(one)], {}) for one in requests}
    return scored, {"device": f"server {server.name or server.base_url}", "checked": found._asdict()}


def _check_server(
    server: ScoringServer, ours: "Mapping[str, Values]", now: "Mapping[str, Values]", dtype: str
) -> "Agreement":
    """How far the server's values are from those of this process; refuses others than the target's."""
    from sppl.scoring.trust import compare_values, disagreement

    found = compare_values(list(ours.values()), [now[name] for name in ours], server.ranks_up_to)
    if said := disagreement(server, dtype, found):
        raise UserError(
            f"{server.place} does not score as the target does in this process: {said}. Serve the same weights there, "
            f"unquantised, with --dtype {dtype} as target_model.dtype has it; or score in this process: "
            "scorer=default; or, where rounding is known to do more to it, a larger limit (docs/servers.md)"
        )
    log.info(
        "%s scores as the target: over %d tokens of %d requests, per token that the target is not sure of, the "
        "log-probabilities are shifted by %.2g nats and differ by %.2g, the logarithms of the ranks by %.2g",
        server.place, found.tokens, found.requests, found.shift, found.logprobs, found.ranks,
    )  # fmt: skip
    return found


def _check_journal(
    server: ScoringServer, kept: "Mapping[str, Values]", now: "Mapping[str, Values]", dtype: str, path: Path
) -> None:
    """Refuses what an earlier run kept of another server under the same name."""
    from sppl.scoring.trust import compare_values, disagreement

    both = [name for name in now if name in kept]
    before, after = [kept[name] for name in both], [now[name] for name in both]
    if both and (said := disagreement(server, dtype, compare_values(before, after, server.ranks_up_to))):
        raise UserError(
            f"{path} holds {len(kept)} responses that another server scored under this name: what {server.place} tells "
            f"now is not the same: {said}. Remove that file, and run the same command again, which asks for all anew; "
            "or give this server a name of its own: scorer.server.name=NAME"
        )


def _read(journal: Journal) -> "dict[str, Values]":
    return {
        name: (np.array(one["logprobs"], dtype=np.float32), np.array(one["ranks"], dtype=np.int32))
        for name, one in journal.read().items()
    }


def _name(request: ScoringRequest) -> str:
    return "-".join(
        fingerprint([part, list(ids)]) for part, ids in (("prefix", request.prefix), ("", request.response))
    )
