"""Sends scoring requests to a server, those of one prefix after each other so that it computes the prefix once."""

import http.client
import json
import logging
import random
import time
import urllib.error
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import numpy as np

from sppl.keys import without_keys
from sppl.schemas import UserError
from sppl.scoring.planner import group_by_prefix
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.server_protocols import Values, body_of, path_of, values_of
from sppl.scoring.server_settings import ScoringServer
from sppl.sending import send_with_key

log = logging.getLogger(__name__)

AGAIN = {408, 409, 425, 429, 500, 502, 503, 504}
LONGEST_WAIT = 60.0


def request_values(
    server: ScoringServer, requests: Sequence[ScoringRequest]
) -> Iterator[tuple[ScoringRequest, Values]]:
    """Yields the values of every request as they arrive.

    Of requests with one prefix one is sent first, alone, and the others once the server has the prefix in its cache.
    Groups go in the order of their prefixes, so that those that begin alike are near each other.

    Raises:
        UserError: the server does not answer, or not as it should.
    """
    groups = iter(group_by_prefix(sorted(requests, key=lambda one: one.prefix)))
    ready, running = deque[ScoringRequest](), dict[Future[Values], tuple[ScoringRequest, Sequence[ScoringRequest]]]()
    failed: UserError | None = None
    with ThreadPoolExecutor(server.concurrency) as pool:
        while True:
            while len(running) < server.concurrency and not failed:
                if ready:
                    one, after = ready.popleft(), ()
                elif group := next(groups, None):
                    one, *after = group.requests
                else:
                    break
                running[pool.submit(_send, server, one)] = one, after
            if not running:
                break
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                one, after = running.pop(done)
                try:
                    yield one, done.result()
                except UserError as error:  # what is under way beside it is waited for: it is computed anyway
                    failed = failed or error
                ready.extend(after)
    if failed:
        raise failed


def _send(server: ScoringServer, request: ScoringRequest) -> Values:
    if not request.n_scored:
        return np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int32)
    data = json.dumps(body_of(server, request)).encode()
    for attempt in range(1, server.tries + 1):
        try:
            with send_with_key(path_of(server), server.key(), data, server.timeout) as answer:
                body = json.loads(answer.read())
            break
        except urllib.error.HTTPError as error:
            said = without_keys(_said(error), server.key())  # before it is cut, which would leave half a key
            why, passing = f"{error.code} {said[:200]}", error.code in AGAIN
        except (OSError, http.client.HTTPException, ValueError) as error:
            why, passing = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}", True
        if not passing or attempt == server.tries:
            raise UserError(_unanswered(server, why, attempt))
        time.sleep(min(LONGEST_WAIT, server.backoff * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0))
    else:
        raise AssertionError
    return values_of(server, request, body)


def _said(error: urllib.error.HTTPError) -> str:
    if 300 <= error.code < 400:
        return f"it sends us to {error.headers.get('Location')}, where the key would go too; if that is right, give it"
    return " ".join(error.read(2000).decode(errors="replace").split())


def _unanswered(server: ScoringServer, why: str, tries: int) -> str:
    times = f" ({tries} tries)" if tries > 1 else ""
    return (
        f"{server.place} scores nothing: {why}{times}. Look at scorer.server.base_url, scorer.server.model and "
        "scorer.server.dialect (docs/servers.md: vLLM and SGLang can score, `transformers serve` cannot; "
        "scorer=default scores in this process); what it scored is kept, and the same command goes on"
    )
