"""The work of the score stage: one plan for everything that is asked, statistics per leaf."""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from sppl.artifacts.provenance import fingerprint
from sppl.artifacts.store import Leaf, Store
from sppl.hardware.hardware import Hardware
from sppl.metrics.needs import TokenStats, own_answers
from sppl.models.loading import context_length, embedding_rows
from sppl.models.target import TargetModel, frozen
from sppl.prompts import Context, SelfAlignedPrompt
from sppl.schemas import Question
from sppl.scoring.requests import Request
from sppl.scoring.scoring_settings import Form, Scoring
from sppl.stages.asked import Asked, Asking, refuse_beyond, refuse_unwritable
from sppl.stages.fitting import Fitted, fitted, rooms
from sppl.stages.pool import Pool
from sppl.stages.served import scored_on_server

if TYPE_CHECKING:
    import torch

    from sppl.scoring.dialects import Values
    from sppl.scoring.scorer import ResponseScorer, Scored

log = logging.getLogger(__name__)

Examples = Sequence[tuple[Question, str]]
Leaves = Mapping[tuple[str, TokenStats], Leaf]
BASE = ["example_id", "token", "token_id", "logprob", "rank"]
"""The columns every table of token statistics has."""


class Work(NamedTuple):
    """Requests that are planned together: contexts in which metrics ask for the same further columns."""

    further: tuple[str, ...]
    fitting: Mapping[tuple[str, Context], Fitted]
    requests: list[Request]
    leaf: Leaf
    """Where its passes are kept until all tables are written."""


def score_leaves(
    store: Store,
    target: TargetModel,
    leaves: Leaves,
    examples: Mapping[str, Examples],
    pool: Pool,
    *,
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
    trainer: Hardware,
    start: int = 0,
    compared: Collection[str] = (),
    inputs_of: Callable[[str, TokenStats], Mapping[str, str]],
) -> None:
    """Scores what is missing of the leaves, whose locks the caller holds, in as few passes as it takes.

    Contexts in which metrics ask for different further columns are run one after the other, so that no context pays
    for columns that nobody reads there. What a leaf cost is kept beside it: `tokens` that are read when each response
    is scored by itself, `passes` (the same in forward passes over question and response, per response), and its share
    of the seconds. The examples are those from the benchmark's question number `start` on; responses of the strategies
    `compared` (none: of all) decide how much of a prompt there is room for. `inputs_of` says what a leaf is made from.

    Raises:
        UserError: a response is empty, or something does not fit the target's context and `overlong` is `error`.
    """
    todo = {key: leaf for key, leaf in leaves.items() if not store.exists(leaf)}
    if not todo:
        return
    ask = partial(
        fitting_requests, target, examples=examples, pool=pool, prompt=prompt, scorer=scorer, start=start,
        compared=compared,
    )  # fmt: skip
    # A run that was killed while it wrote its tables left the passes of all of them: planned alike, they are found.
    killed = _works(store, leaves, ask(leaves), todo, scorer) if len(leaves) > len(todo) else []
    for work in (
        killed if any(store.begun(one.leaf) for one in killed) else _works(store, todo, ask(todo), todo, scorer)
    ):
        begun = time.perf_counter()
        scored, on = _scored(store, target, work, scorer=scorer, trainer=trainer)
        seconds = time.perf_counter() - begun
        total = sum(one.tokens for fit in work.fitting.values() for one in fit.responses)
        tables = {
            key: pd.concat([one.table(scored) for one in fit.responses], ignore_index=True)
            for key, fit in work.fitting.items()
            if fit.responses
        }
        for (name, need), leaf in todo.items():
            if (name, need.context) in tables:
                fit = work.fitting[name, need.context]
                responses, notes = fit.responses, fit.facts
                tokens = sum(one.tokens for one in responses)
                if own_answers([need]) and pool.note:
                    notes["pool"] = pool.note
                notes |= {"responses": len(responses), "tokens": tokens, **on}
                notes["passes"] = round(tokens / sum(one.alone for one in responses), 4)
                table = tables[name, need.context]
                table = table[[*BASE, *need.columns, *({"turn"} & set(table))]]
                store.write(leaf, table, inputs_of(name, need), seconds * tokens / total, **notes)
        store.clear_parts(work.leaf)


def _works(
    store: Store, leaves: Leaves, fitting: Mapping[tuple[str, Context], Fitted], todo: Leaves, scorer: Scoring
) -> list[Work]:
    """All requests of the leaves, as far as one of `todo` is among them."""
    first, found = next(iter(leaves.values())), list[Work]()
    for columns, contexts in _by_columns(leaves).items():
        here = {key: part for key, part in fitting.items() if key[1] in contexts}
        requests = [request for fit in here.values() for one in fit.responses for _, request in one.requests]
        further = tuple(sorted(columns - {"step"}))
        settings: dict[str, Any] = {"requests": _key(requests)} | ({"columns": further} if further else {})
        settings |= {"server": scorer.server.identity} if scorer.server else {}
        leaf = store.leaf("token_stats", *first.words[:2], "passes", settings=settings)
        if requests and any(need.context in contexts for _, need in todo):
            found.append(Work(further, here, requests, leaf))
    return found


def fitting_requests(
    target: TargetModel,
    needs: Collection[tuple[str, TokenStats]],
    examples: Mapping[str, Examples],
    pool: Pool,
    *,
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
    start: int = 0,
    compared: Collection[str] = (),
) -> dict[tuple[str, Context], Fitted]:
    """The requests of each strategy and context that is needed, as far as they fit the target.

    With `overlong=truncate_left` a question's prompt is the same for all strategies: short enough for the longest
    response among those `compared` (none: all).

    Raises:
        UserError: a response is empty or cannot be written, a token is not the target's, or something does not fit its
            context and `overlong` is `error`.
    """
    refuse_unwritable(target, {name: examples[name] for name, _ in needs})
    model = frozen(target)
    limit = context_length(model.config)
    asked: dict[tuple[str, Context], list[Asked]] = {}
    for columns, contexts in _by_columns(needs).items():
        # The numbers of requests start anew here, so that what a killed run left behind fits them.
        asking = Asking(target, prompt, pool, scorer, start)
        ask = partial(asking.responses, steps="step" in columns)
        wanted = [one for one in dict.fromkeys((name, need.context) for name, need in needs) if one[1] in contexts]
        room: dict[Context, dict[str, int]] = {}
        if limit and scorer.overlong == "truncate_left":
            for context in dict.fromkeys(context for _, context in wanted):
                room[context] = rooms([ask(examples[name], context) for name in compared or examples], limit)
        for name, context in wanted:
            asked[name, context] = ask(examples[name], context, rooms=room.get(context))
    refuse_beyond(target, asked, embedding_rows(model))
    return fitted(asked, limit, scorer)


def _by_columns(needs: Iterable[tuple[str, TokenStats]]) -> dict[frozenset[str], set[Context]]:
    """The contexts by the further columns wanted in them."""
    wanted: dict[Context, set[str]] = {}
    for _, need in needs:
        wanted.setdefault(need.context, set()).update(need.columns)
    groups: dict[frozenset[str], set[Context]] = {}
    for context, columns in wanted.items():
        groups.setdefault(frozenset(columns), set()).add(context)
    return groups


def _scored(
    store: Store, target: TargetModel, work: Work, *, scorer: Scoring, trainer: Hardware
) -> tuple[dict[int, "Scored"], dict[str, Any]]:
    """The answers to the requests by their number, and what they were computed on.

    Passes that an earlier run finished are not run again.
    """
    if scorer.server:
        check = partial(_in_process, target, trainer, form=scorer.form)
        return scored_on_server(scorer.server, work.requests, check, store.parts(work.leaf))
    from sppl.hardware.device import Facts
    from sppl.scoring.planner import lower_bound, plan
    from sppl.scoring.scorer import tokens_at_once
    from sppl.scoring.shards import scored_in_shards

    frozen(target)  # takes an adapter off, if one was put on since
    runner = _scorer(target, scorer.form, trainer.device)
    runner.further = work.further
    passes = plan(work.requests, max_tokens=scorer.max_tokens or tokens_at_once(runner.model), form=runner.form)
    tokens = sum(one.tokens for one in passes)
    log.info(
        "%d responses in context, %d passes, %d tokens (%d if equal prefixes and responses are read once)",
        len(work.requests), len(passes), tokens, lower_bound(work.requests),
    )  # fmt: skip
    facts = Facts(runner.model, trainer.device)
    return scored_in_shards(trainer, runner, passes, store.parts(work.leaf)), facts.notes()


def _in_process(target: TargetModel, trainer: Hardware, requests: Sequence[Request], *, form: Form) -> "list[Values]":
    from sppl.scoring.scorer import tokens_at_once

    runner = _scorer(target, form, trainer.device)
    return runner.score(requests, max_tokens=tokens_at_once(runner.model))


@lru_cache(maxsize=1)
def _scorer(target: TargetModel, form: Form, device: "torch.device") -> "ResponseScorer":
    """One per target, however many batches there are: it tries its form once, and remembers what memory held."""
    from sppl.hardware.device import place
    from sppl.scoring.scorer import ResponseScorer

    return ResponseScorer(place(frozen(target), device), form=form)


def _key(requests: Sequence[Request]) -> str:
    return fingerprint([[request.prefix, request.response] for request in requests])
