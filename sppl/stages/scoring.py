"""The work of the score stage: requests from prompts and responses, one plan for all, statistics per leaf."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sppl.data.tokens import alone_ids, check_fits, prompt_ids, response_ids
from sppl.models.target import TargetModel, frozen
from sppl.modules.requests import Request
from sppl.modules.scoring import Scoring
from sppl.prompts import Alone, Context, SelfAligned, SelfAlignedPrompt
from sppl.provenance import fingerprint
from sppl.schemas import Question, UserError
from sppl.stages.pool import Pool
from sppl.store import Leaf, Store

if TYPE_CHECKING:
    import pytorch_lightning as pl

log = logging.getLogger(__name__)

Examples = Sequence[tuple[Question, str]]
Todo = Mapping[tuple[str, Context], Leaf]
Place = tuple[Leaf, str]
"""Where a request's statistics belong: the leaf, and the example's id."""


def score_leaves(
    store: Store,
    target: TargetModel,
    todo: Todo,
    examples: Mapping[str, Examples],
    pool: Pool,
    *,
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
    trainer: Callable[..., "pl.Trainer"],
) -> None:
    """Scores all missing leaves in as few passes as it takes, then writes leaf by leaf.

    Raises:
        UserError: a response is empty, or something does not fit the target's context and `overlong` is `error`.
    """
    from sppl.modules.forms import exact_form
    from sppl.modules.planner import lower_bound, plan
    from sppl.modules.scorer import ResponseScorer
    from sppl.modules.shards import scored_in_shards

    if not todo:
        return
    start = time.perf_counter()
    model = frozen(target)
    requests, places = _requests(target, todo, examples, pool, prompt, scorer)
    requests, places, cut = _fitted(requests, places, getattr(model.config, "max_position_embeddings", None), scorer)
    passes = plan(requests, max_tokens=scorer.max_tokens, form=exact_form(model, scorer.form))
    tokens = sum(one.tokens for one in passes)
    log.info(
        "%d responses in context, %d passes, %d tokens (%d at least)",
        len(requests), len(passes), tokens, lower_bound(requests),
    )  # fmt: skip
    first = next(iter(todo.values()))
    work = store.leaf("token_stats", *first.words[:2], "passes", settings={"requests": _key(requests)})
    scored = scored_in_shards(trainer, ResponseScorer(model), passes, store.parts(work))
    rows: dict[Leaf, list[pd.DataFrame]] = {leaf: [] for leaf in todo.values()}
    for request, (leaf, example_id) in zip(requests, places, strict=True):
        one = scored[request.index]
        rows[leaf].append(_rows(request, example_id, one.logprobs, one.ranks))
    share = (time.perf_counter() - start) / len(todo)
    for (_, context), leaf in todo.items():
        notes: dict[str, object] = {"overlong": cut[leaf]} if cut.get(leaf) else {}
        if isinstance(context, SelfAligned) and pool.note:
            notes["pool"] = pool.note
        store.write(leaf, pd.concat(rows[leaf], ignore_index=True), {}, share, **notes)
    store.clear_parts(work)


def _key(requests: Sequence[Request]) -> str:
    return fingerprint([[request.prefix, request.response] for request in requests])


def _rows(request: Request, example_id: str, logprobs: np.ndarray, ranks: np.ndarray) -> pd.DataFrame:
    first = len(request.response) - len(logprobs)
    return pd.DataFrame(
        {
            "example_id": example_id,
            "token": np.arange(first, len(request.response), dtype=np.int32),
            "token_id": np.asarray(request.response[first:], dtype=np.int32),
            "logprob": logprobs.astype(np.float32),
            "rank": ranks.astype(np.int32),
        }
    )


def _requests(
    target: TargetModel,
    todo: Todo,
    examples: Mapping[str, Examples],
    pool: Pool,
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
) -> tuple[list[Request], list[Place]]:
    """One request per response and context, and where its statistics belong."""
    tokenizer = target.tokenizer()
    requests: list[Request] = []
    places: list[Place] = []
    prefixes: dict[tuple[Context, str], tuple[int, ...]] = {}
    empty = []
    for (name, context), leaf in todo.items():
        questions = [question for question, _ in examples[name]]
        n = context.n_examples if isinstance(context, SelfAligned) else 0
        shown = pool.shown(prompt, questions, n) if n else [[] for _ in questions]
        for (question, text), own in zip(examples[name], shown, strict=True):
            key = (context, question.id)
            if key not in prefixes:
                turn = prompt.render(question.prompt, own)
                alone = isinstance(context, Alone)
                prefixes[key] = alone_ids(tokenizer) if alone else prompt_ids(tokenizer, turn, target.wrapping)
            response = response_ids(tokenizer, text, target.wrapping, end=scorer.end)
            if not response:
                empty.append(f"{question.id} of {name}")
                continue
            requests.append(Request(prefixes[key], response, len(requests)))
            places.append((leaf, question.id))
    if empty:
        found = ", ".join(dict.fromkeys(empty))
        raise UserError(f"empty responses cannot be scored: {found}. Answer them, or leave those questions out")
    return requests, places


def _fitted(
    requests: list[Request], places: list[Place], limit: int | None, scorer: Scoring
) -> tuple[list[Request], list[Place], dict[Leaf, int]]:
    """The requests that fit the target's context, and how many of each leaf were left out or cut."""
    lengths = [len(request.prefix) + len(request.response) for request in requests]
    if scorer.overlong == "error":
        check_fits([(place[1], n) for place, n in zip(places, lengths, strict=True)], limit, "prompts with response")
    if limit is None or max(lengths, default=0) <= limit:
        return requests, places, {}
    kept: list[tuple[Request, Place]] = []
    cut: dict[Leaf, int] = {}
    for request, place, length in zip(requests, places, lengths, strict=True):
        if length <= limit:
            kept.append((request, place))
            continue
        cut[place[0]] = cut.get(place[0], 0) + 1
        room = limit - len(request.response)
        if scorer.overlong == "truncate_left" and room >= 2 and request.prefix:
            shorter = request.prefix[:1] + request.prefix[len(request.prefix) - room + 1 :]  # the first token stays
            kept.append((replace(request, prefix=shorter), place))
    if not kept:
        raise UserError(f"nothing fits into the target's {limit} tokens; take a target with a longer context")
    return [one for one, _ in kept], [place for _, place in kept], cut
