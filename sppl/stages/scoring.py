"""The work of the score stage: one plan for everything that is asked, statistics per leaf."""

import logging
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from sppl.hardware.hardware import Hardware
from sppl.metrics.needs import TokenStats, own_answers
from sppl.models.loading import context_length, embedding_rows
from sppl.models.target import TargetModel, frozen
from sppl.prompts import Context, SelfAlignedPrompt
from sppl.provenance import fingerprint
from sppl.schemas import Question
from sppl.scoring.requests import Request
from sppl.scoring.scoring_settings import Form, Scoring
from sppl.stages.asked import Asked, Asking, Fitted, fitted, refuse_beyond, refuse_unwritable
from sppl.stages.pool import Pool
from sppl.store import Leaf, Store

if TYPE_CHECKING:
    import torch

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
) -> None:
    """Scores what is missing of the leaves, whose locks the caller holds, in as few passes as it takes.

    Contexts in which metrics ask for different further columns are run one after the other, so that no context pays
    for columns that nobody reads there. What a leaf cost is kept beside it: `tokens` that are read when each response
    is scored by itself, `passes` (the same in forward passes over question and response, per response), and its share
    of the seconds. The examples are those from the benchmark's question number `start` on.

    Raises:
        UserError: a response is empty, or something does not fit the target's context and `overlong` is `error`.
    """
    todo = {key: leaf for key, leaf in leaves.items() if not store.exists(leaf)}
    if not todo:
        return
    ask = partial(fitting_requests, target, examples=examples, pool=pool, prompt=prompt, scorer=scorer, start=start)
    # A run that was killed while it wrote its tables left the passes of all of them: planned alike, they are found.
    killed = _works(store, leaves, ask(leaves), todo) if len(leaves) > len(todo) else []
    for work in killed if any(store.begun(one.leaf) for one in killed) else _works(store, todo, ask(todo), todo):
        begun = time.perf_counter()
        scored, on = _scored(store, target, work, scorer=scorer, trainer=trainer)
        seconds = time.perf_counter() - begun
        total = sum(one.tokens for responses, _ in work.fitting.values() for one in responses)
        tables = {
            key: pd.concat([one.table(scored) for one in responses], ignore_index=True)
            for key, (responses, _) in work.fitting.items()
            if responses
        }
        for (name, need), leaf in todo.items():
            if (name, need.context) in tables:
                responses, cut = work.fitting[name, need.context]
                tokens = sum(one.tokens for one in responses)
                notes: dict[str, object] = {"overlong": cut} if cut else {}
                if own_answers([need]) and pool.note:
                    notes["pool"] = pool.note
                notes |= {"responses": len(responses), "tokens": tokens, **on}
                notes["passes"] = round(tokens / sum(one.alone for one in responses), 4)
                table = tables[name, need.context][[*BASE, *need.columns]]
                store.write(leaf, table, {}, seconds * tokens / total, **notes)
        store.clear_parts(work.leaf)


def _works(store: Store, leaves: Leaves, fitting: Mapping[tuple[str, Context], Fitted], todo: Leaves) -> list[Work]:
    """All requests of the leaves, as far as one of `todo` is among them."""
    first, found = next(iter(leaves.values())), list[Work]()
    for columns, contexts in _by_columns(leaves).items():
        here = {key: part for key, part in fitting.items() if key[1] in contexts}
        requests = [request for responses, _ in here.values() for one in responses for _, request in one.requests]
        further = tuple(sorted(columns - {"step"}))
        settings = {"requests": _key(requests)} | ({"columns": further} if further else {})
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
) -> dict[tuple[str, Context], Fitted]:
    """The requests of each strategy and context that is needed, as far as they fit the target.

    Raises:
        UserError: a response is empty or cannot be written, a token is not the target's, or something does not fit its
            context and `overlong` is `error`.
    """
    refuse_unwritable(target, {name: examples[name] for name, _ in needs})
    asked: dict[tuple[str, Context], list[Asked]] = {}
    for columns, contexts in _by_columns(needs).items():
        # The numbers of requests start anew here, so that what a killed run left behind fits them.
        asking = Asking(target, prompt, pool, scorer, start)
        for name, context in dict.fromkeys((name, need.context) for name, need in needs):
            if context in contexts:
                asked[name, context] = asking.responses(examples[name], context, steps="step" in columns)
    model = frozen(target)
    refuse_beyond(target, asked, embedding_rows(model))
    return fitted(asked, context_length(model.config), scorer)


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
        "%d responses in context, %d passes, %d tokens (%d at least)",
        len(work.requests), len(passes), tokens, lower_bound(work.requests),
    )  # fmt: skip
    facts = Facts(runner.model, trainer.device)
    return scored_in_shards(trainer, runner, passes, store.parts(work.leaf)), facts.notes()


@lru_cache(maxsize=1)
def _scorer(target: TargetModel, form: Form, device: "torch.device") -> "ResponseScorer":
    """One per target, however many batches there are: it tries its form once, and remembers what memory held."""
    from sppl.hardware.device import place
    from sppl.scoring.scorer import ResponseScorer

    return ResponseScorer(place(frozen(target), device), form=form)


def _key(requests: Sequence[Request]) -> str:
    return fingerprint([[request.prefix, request.response] for request in requests])
