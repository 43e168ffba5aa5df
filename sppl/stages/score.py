"""score: statistics per token of every response, in every context the metrics need, in one go."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sppl.benchmarks.benchmark import Benchmark
from sppl.metrics.needs import Metric, TokenStats, token_needs
from sppl.models.target import TargetModel, frozen
from sppl.modules.scoring import Scoring
from sppl.prompts import Context, SelfAligned, SelfAlignedPrompt
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
    from sppl.modules.scorer import Scored

BASE = ["example_id", "token", "token_id", "logprob", "rank"]
"""The columns every table of token statistics has."""


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
    needs = token_needs(metric.values())
    questions = take(benchmark, "train", n_score)
    predictions = predictions_leaf(store, benchmark, target_model, n_predict)
    if dry and not _inputs_exist(store, benchmark, strategy, questions, predictions, needs):
        return Plan((), tuple(f"{name}/{need.name}" for name in strategy for need in needs))
    if any(isinstance(need.context, SelfAligned) for need in needs):
        pool = read_pool(store, predictions, benchmark, prompt, take(benchmark, "train", n_predict))
    else:
        pool = Pool((), (), "")
    examples = {name: responses(store, benchmark, recipe, questions) for name, recipe in strategy.items()}
    leaves = {
        (name, need): token_stats_leaf(
            store, benchmark, target_model, strategy=name, need=need, prompt=prompt, end=scorer.end,
            examples=examples[name], pool=predictions,
        )
        for name in strategy
        for need in needs
    }  # fmt: skip
    plan = Plan(
        tuple(leaf.name for leaf in leaves.values() if store.exists(leaf)),
        tuple(leaf.name for leaf in leaves.values() if not store.exists(leaf)),
    )
    if plan.to_make and not dry:
        with store.making(*leaves.values()) as missing:
            todo = {key: leaf for key, leaf in leaves.items() if leaf in missing}
            _score(target_model, todo, examples, pool, prompt, scorer, trainer, store)
    for (name, need), leaf in leaves.items() if not dry else ():
        loss = -float(store.read(leaf).groupby("example_id")["logprob"].mean().mean())
        for logger in loggers:
            logger.log_metrics({f"score/{name}/{need.name}/loss": loss})
    return plan


def _inputs_exist(
    store: Store,
    benchmark: Benchmark,
    strategy: Mapping[str, Recipe],
    questions: Sequence[Question],
    predictions: Leaf,
    needs: Sequence[TokenStats],
) -> bool:
    pooled = any(isinstance(need.context, SelfAligned) for need in needs)
    known = (len(known_responses(store, benchmark, recipe, questions)) for recipe in strategy.values())
    return (store.exists(predictions) or not pooled) and all(n == len(questions) for n in known)


def _score(
    target: TargetModel,
    todo: Mapping[tuple[str, TokenStats], Leaf],
    examples: Mapping[str, list[tuple[Question, str]]],
    pool: Pool,
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
    trainer: Callable[..., "pl.Trainer"],
    store: Store,
) -> None:
    """Scores everything that is missing in as few passes as it takes, then writes leaf by leaf."""
    from sppl.stages.asked import Asking

    asking = Asking(target, prompt, pool, scorer)
    for columns, contexts in _by_columns(todo).items():
        start = time.perf_counter()
        asked = {
            (name, context): asking.responses(examples[name], context, strategy=name, steps="step" in columns)
            for name, context in dict.fromkeys((name, need.context) for name, need in todo)
            if context in contexts
        }
        requests = [request for responses in asked.values() for one in responses for _, request in one.requests]
        scored = _predicted(target, requests, sorted(columns - {"step"}), scorer, trainer)
        seconds = time.perf_counter() - start
        read = sum(one.tokens for responses in asked.values() for one in responses)
        tables = {key: pd.concat([one.table(scored) for one in responses]) for key, responses in asked.items()}
        for (name, need), leaf in todo.items():
            if need.context not in contexts:
                continue
            responses, table = asked[name, need.context], tables[name, need.context]
            notes = {"pool": pool.note} if isinstance(need.context, SelfAligned) and pool.note else {}
            tokens = sum(one.tokens for one in responses)
            passes = round(tokens / sum(one.alone for one in responses), 4)
            store.write(
                leaf, table[[*BASE, *need.columns]], {}, seconds * tokens / read,
                responses=len(responses), tokens=tokens, passes=passes, **notes,
            )  # fmt: skip


def _by_columns(needs: Iterable[tuple[str, TokenStats]]) -> dict[frozenset[str], set[Context]]:
    """The contexts by the further columns wanted in them."""
    wanted: dict[Context, set[str]] = {}
    for _, need in needs:
        wanted.setdefault(need.context, set()).update(need.columns)
    groups: dict[frozenset[str], set[Context]] = {}
    for context, columns in wanted.items():
        groups.setdefault(frozenset(columns), set()).add(context)
    return groups


def _predicted(
    target: TargetModel,
    requests: Sequence["Request"],
    further: Sequence[str],
    scorer: Scoring,
    trainer: Callable[..., "pl.Trainer"],
) -> dict[int, "Scored"]:
    """The answers to requests, by their number."""
    from sppl.modules.forms import choose_form
    from sppl.modules.planner import plan
    from sppl.modules.progress import predicted
    from sppl.modules.scorer import ResponseScorer, passes_loader

    model = frozen(target)
    passes = plan(requests, max_tokens=scorer.max_tokens, form=choose_form(model.config))
    found = predicted(trainer, ResponseScorer(model, further), passes_loader(passes), "score")
    return {one.index: one for one in found}
