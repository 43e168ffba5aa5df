"""score: statistics per token of every response, in every context the metrics need, in one go."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sppl.benchmarks.benchmark import Benchmark
from sppl.metrics.needs import Metric
from sppl.models.target import TargetModel, frozen
from sppl.modules.scoring import Scoring
from sppl.prompts import Alone, Context, SelfAligned, SelfAlignedPrompt
from sppl.schemas import Question
from sppl.stages.leaves import Plan, predictions_leaf, take, token_stats_leaf
from sppl.stages.pool import Pool, read_pool
from sppl.stages.responses import known_responses, responses
from sppl.store import Leaf, Store
from sppl.strategies.recipe import Recipe

if TYPE_CHECKING:
    import pytorch_lightning as pl
    from pytorch_lightning.loggers import Logger

    from sppl.modules.requests import Request


def score(
    *,
    benchmark: Benchmark,
    target_model: TargetModel,
    strategy: Mapping[str, Recipe],
    metric: Mapping[str, Metric],
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
    n_predict: int,
    n_score: int,
    trainer: Callable[..., "pl.Trainer"],
    store: Store,
    dry: bool = False,
    loggers: Sequence["Logger"] = (),
) -> Plan:
    """Makes one `token_stats` leaf per strategy and context.

    Raises:
        MissingArtefact: predictions or paid responses are missing; the message is the command that makes them.
        UserError: a response is empty, or does not fit the target's context.
    """
    contexts = sorted(
        {need.context for one in metric.values() for need in one.needs()}, key=lambda context: context.name
    )
    questions = take(benchmark, "train", n_score)
    predictions = predictions_leaf(store, benchmark, target_model, n_predict)
    if dry and not _inputs_exist(store, benchmark, strategy, questions, predictions, contexts):
        return Plan((), tuple(f"{name}/{context.name}" for name in strategy for context in contexts))
    if any(isinstance(context, SelfAligned) for context in contexts):
        pool = read_pool(store, predictions, benchmark, prompt, take(benchmark, "train", n_predict))
    else:
        pool = Pool((), (), "")
    examples = {name: responses(store, benchmark, recipe, questions) for name, recipe in strategy.items()}
    leaves = {
        (name, context): token_stats_leaf(
            store, benchmark, target_model, strategy=name, context=context, prompt=prompt, end=scorer.end,
            examples=examples[name], pool=predictions,
        )
        for name in strategy
        for context in contexts
    }  # fmt: skip
    plan = Plan(
        tuple(leaf.name for leaf in leaves.values() if store.exists(leaf)),
        tuple(leaf.name for leaf in leaves.values() if not store.exists(leaf)),
    )
    if plan.to_make and not dry:
        with store.making(*leaves.values()) as missing:
            todo = {key: leaf for key, leaf in leaves.items() if leaf in missing}
            _score(target_model, todo, examples, pool, prompt, scorer, trainer, store)
    for (name, context), leaf in leaves.items() if not dry else ():
        loss = -float(store.read(leaf).groupby("example_id")["logprob"].mean().mean())
        for logger in loggers:
            logger.log_metrics({f"score/{name}/{context.name}/loss": loss})
    return plan


def _inputs_exist(
    store: Store,
    benchmark: Benchmark,
    strategy: Mapping[str, Recipe],
    questions: Sequence[Question],
    predictions: Leaf,
    contexts: Sequence[Context],
) -> bool:
    pooled = any(isinstance(context, SelfAligned) for context in contexts)
    known = (len(known_responses(store, benchmark, recipe, questions)) for recipe in strategy.values())
    return (store.exists(predictions) or not pooled) and all(n == len(questions) for n in known)


def _score(
    target: TargetModel,
    todo: Mapping[tuple[str, Context], Leaf],
    examples: Mapping[str, list[tuple[Question, str]]],
    pool: Pool,
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
    trainer: Callable[..., "pl.Trainer"],
    store: Store,
) -> None:
    """Scores everything that is missing in as few passes as it takes, then writes leaf by leaf."""
    from sppl.modules.forms import choose_form
    from sppl.modules.planner import plan
    from sppl.modules.progress import predicted
    from sppl.modules.scorer import ResponseScorer, passes_loader

    if not todo:
        return
    start = time.perf_counter()
    model = frozen(target)
    requests, places = _requests(target, todo, examples, pool, prompt, scorer)
    passes = plan(requests, max_tokens=scorer.max_tokens, form=choose_form(model.config))
    scored = {one.index: one for one in predicted(trainer, ResponseScorer(model), passes_loader(passes), "score")}
    rows: dict[Leaf, list[pd.DataFrame]] = {leaf: [] for leaf in todo.values()}
    for request, (leaf, example_id) in zip(requests, places, strict=True):
        one = scored[request.index]
        first = len(request.response) - len(one.logprobs)
        rows[leaf].append(
            pd.DataFrame(
                {
                    "example_id": example_id,
                    "token": np.arange(first, len(request.response), dtype=np.int32),
                    "token_id": np.asarray(request.response[first:], dtype=np.int32),
                    "logprob": one.logprobs.astype(np.float32),
                    "rank": one.ranks.astype(np.int32),
                }
            )
        )
    seconds = (time.perf_counter() - start) / len(todo)
    for (_, context), leaf in todo.items():
        notes = {"pool": pool.note} if isinstance(context, SelfAligned) and pool.note else {}
        store.write(leaf, pd.concat(rows[leaf], ignore_index=True), {}, seconds, **notes)


def _requests(
    target: TargetModel,
    todo: Mapping[tuple[str, Context], Leaf],
    examples: Mapping[str, list[tuple[Question, str]]],
    pool: Pool,
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
) -> tuple[list["Request"], list[tuple[Leaf, str]]]:
    """One request per response and context, and where its statistics belong."""
    from sppl.data.tokens import alone_ids, check_fits, prompt_ids, response_ids
    from sppl.modules.requests import Request

    tokenizer, limit = target.tokenizer(), getattr(frozen(target).config, "max_position_embeddings", None)
    requests: list[Request] = []
    places: list[tuple[Leaf, str]] = []
    prefixes: dict[tuple[Context, str], tuple[int, ...]] = {}
    for (name, context), leaf in todo.items():
        questions = [question for question, _ in examples[name]]
        n = context.n_examples if isinstance(context, SelfAligned) else 0
        shown = pool.shown(prompt, questions, n) if n else [[] for _ in questions]
        for (question, text), own in zip(examples[name], shown, strict=True):
            if (context, question.id) not in prefixes:
                turn = prompt.render(question.prompt, own)
                alone = isinstance(context, Alone)
                prefixes[context, question.id] = (
                    alone_ids(tokenizer) if alone else prompt_ids(tokenizer, turn, target.wrapping)
                )
            response = response_ids(tokenizer, text, target.wrapping, end=scorer.end)
            requests.append(Request(prefixes[context, question.id], response, len(requests)))
            places.append((leaf, question.id))
    lengths = [(place[1], len(r.prefix) + len(r.response)) for place, r in zip(places, requests, strict=True)]
    check_fits(lengths, limit, "prompts with their response")
    return requests, places
