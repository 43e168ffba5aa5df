"""Plans and runs the scoring of responses in their contexts, as far as they fit the target."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sppl.artifacts.provenance import fingerprint
from sppl.hardware.hardware import Hardware
from sppl.models.loading import context_length, embedding_rows
from sppl.models.target import TargetModel, frozen_target
from sppl.prompts import Context, SelfAlignedPrompt
from sppl.schemas import Question
from sppl.scoring.on_server import score_on_server
from sppl.scoring.overlong import FittedResponses, fit_responses, prompt_rooms
from sppl.scoring.pool import Pool
from sppl.scoring.request_builder import RequestBuilder, ResponseInContext, refuse_unknown_tokens, refuse_unwritable
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.scoring_settings import Form, Scoring

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from sppl.scoring.scorer import ResponseScorer, Scored
    from sppl.scoring.server_protocols import Values

log = logging.getLogger(__name__)

Examples = Sequence[tuple[Question, str]]
WantedStatistics = tuple[str, Context, tuple[str, ...]]
"""A strategy, the context its responses are scored in, and the columns wanted beyond log-probability and rank."""


class Work(NamedTuple):
    """Requests that are planned together: contexts in which the same further columns are needed."""

    further: tuple[str, ...]
    fitting: Mapping[tuple[str, Context], FittedResponses]
    requests: list[ScoringRequest]

    @property
    def key(self) -> str:
        """A digest of the requests."""
        return fingerprint([[request.prefix, request.response] for request in self.requests])


def plan_works(
    wanted: Collection[WantedStatistics], fitting: Mapping[tuple[str, Context], FittedResponses]
) -> list[Work]:
    """Returns all requests, grouped by what is planned together.

    Contexts that need different further columns are run one after the other, so that no context pays for columns that
    are not read there.
    """
    found = list[Work]()
    for columns, contexts in _by_columns(wanted).items():
        here = {key: part for key, part in fitting.items() if key[1] in contexts}
        requests = [request for fit in here.values() for one in fit.responses for _, request in one.requests]
        if requests:
            found.append(Work(tuple(sorted(columns - {"step"})), here, requests))
    return found


def fitting_requests(
    target: TargetModel,
    wanted: Collection[WantedStatistics],
    examples: Mapping[str, Examples],
    pool: Pool,
    *,
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
    start: int = 0,
    compared: Collection[str] = (),
) -> dict[tuple[str, Context], FittedResponses]:
    """Returns the requests of each strategy and context, as far as they fit the target.

    With `overlong=truncate_left` a question's prompt is the same for all strategies: short enough for the longest
    response among those `compared` (none: all).

    Raises:
        UserError: a response is empty or cannot be written, a token is not the target's, or something does not fit its
            context and `overlong` is `error`.
    """
    refuse_unwritable(target, {name: examples[name] for name, *_ in wanted})
    model = frozen_target(target)
    limit = context_length(model.config)
    asked: dict[tuple[str, Context], list[ResponseInContext]] = {}
    for columns, contexts in _by_columns(wanted).items():
        # The numbers of requests start anew here, so that what a killed run left behind fits them.
        asking = RequestBuilder(target, prompt, pool, scorer, start)
        ask = partial(asking.responses, steps="step" in columns)
        here = [pair for pair in dict.fromkeys((name, context) for name, context, _ in wanted) if pair[1] in contexts]
        room: dict[Context, dict[str, int]] = {}
        if limit and scorer.overlong == "truncate_left":
            for context in dict.fromkeys(context for _, context in here):
                room[context] = prompt_rooms([ask(examples[name], context) for name in compared or examples], limit)
        for name, context in here:
            asked[name, context] = ask(examples[name], context, rooms=room.get(context))
    refuse_unknown_tokens(target, asked, embedding_rows(model))
    return fit_responses(asked, limit, scorer)


def _by_columns(wanted: Iterable[WantedStatistics]) -> dict[frozenset[str], set[Context]]:
    """The contexts by the further columns that are needed in them."""
    found: dict[Context, set[str]] = {}
    for _, context, columns in wanted:
        found.setdefault(context, set()).update(columns)
    groups: dict[frozenset[str], set[Context]] = {}
    for context, columns in found.items():
        groups.setdefault(frozenset(columns), set()).add(context)
    return groups


def score_work(
    target: TargetModel, work: Work, *, scorer: Scoring, hardware: Hardware, folder: Path
) -> tuple[dict[int, "Scored"], dict[str, Any]]:
    """Returns the statistics of the requests by their number, and the facts of the device.

    Passes that an earlier run finished lie in the folder, and are not run again.
    """
    if scorer.server:
        check = partial(_in_process, target, hardware, form=scorer.form)
        return score_on_server(scorer.server, work.requests, check, folder, target.dtype)
    from sppl.hardware.device import DeviceFacts
    from sppl.scoring.planner import lower_bound, plan_passes
    from sppl.scoring.scorer import pass_cost, tokens_at_once
    from sppl.scoring.shards import score_in_shards

    frozen_target(target)  # takes an adapter off, if one was put on since
    runner = scorer_of(target, scorer.form, hardware.device)
    runner.further = work.further
    most = scorer.max_tokens or tokens_at_once(runner.model, hardware.device)
    cost = pass_cost(runner.model, hardware.device)
    passes = plan_passes(work.requests, max_tokens=most, form=runner.form, pass_cost=cost)
    tokens = sum(one.tokens for one in passes)
    log.info(
        "%d responses in context, %d passes, %d tokens (%d if equal prefixes and responses are read once)",
        len(work.requests), len(passes), tokens, lower_bound(work.requests),
    )  # fmt: skip
    facts = DeviceFacts(runner.model, hardware.device)
    return score_in_shards(hardware, runner, passes, folder), facts.notes()


def _in_process(
    target: TargetModel, hardware: Hardware, requests: Sequence[ScoringRequest], *, form: Form
) -> "list[Values]":
    from sppl.scoring.scorer import tokens_at_once

    runner = scorer_of(target, form, hardware.device)
    return runner.score(requests, max_tokens=tokens_at_once(runner.model, hardware.device))


def scorer_of(target: TargetModel, form: Form, device: "torch.device") -> "ResponseScorer":
    """Returns the scorer of a target, one for all batches: it tries its form once, and remembers what fits memory.

    The target is put on the device: work of several devices, and training, leave it on the CPU.
    """
    from sppl.hardware.device import place

    return _scorer(place(frozen_target(target), device), form)


@lru_cache(maxsize=1)
def _scorer(model: "PreTrainedModel", form: Form) -> "ResponseScorer":
    from sppl.scoring.scorer import ResponseScorer

    return ResponseScorer(model, form=form)
