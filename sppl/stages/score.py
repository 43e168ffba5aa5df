"""score: statistics per token of every response, in every context the metrics need, in one go."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from sppl.artifacts.store import Leaf, Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.generation.answer import Generator
from sppl.hardware.hardware import Hardware
from sppl.metrics.needs import (
    Gradients,
    HiddenStates,
    Metric,
    Rewards,
    Table,
    TokenStats,
    own_answers,
    scored_needs,
)
from sppl.models.target import TargetModel
from sppl.prompts import SelfAlignedPrompt
from sppl.schemas import Question
from sppl.scoring.scoring_settings import Scoring
from sppl.stages.fitting import nothing_left
from sppl.stages.insides import inside_leaves
from sppl.stages.leaves import Plan, predictions_leaf, take
from sppl.stages.pilots import refuse_unjudged
from sppl.stages.pool import Pool, read_pool
from sppl.stages.race import Race, competitors
from sppl.stages.responses import known_responses, leaves_behind, responses
from sppl.stages.rewarding import reward_leaves
from sppl.stages.scoring import fitting_requests, score_leaves
from sppl.stages.served import refuse_beyond_servers
from sppl.stages.tables import Leaves, Pieces, Wanted
from sppl.stages.together import refuse_apart
from sppl.strategies.recipe import Recipe

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

log = logging.getLogger(__name__)


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
    trainer: Hardware,
    generator: Generator,
    store: Store,
    dry: bool = False,
    loggers: Sequence["Logger"] = (),
) -> Plan:
    """Makes one `token_stats` leaf per strategy, context and set of further columns.

    Where metrics ask for them also `rewards`, `hidden_states` and `gradients`. With `scorer.budget=race` they
    are made batch by batch, of the strategies still in the race, and its decisions are kept in a `races` leaf.

    Raises:
        MissingArtefact: predictions or paid responses are missing; the message is the command that makes them.
        UserError: a response is empty, or does not fit the target's context; a metric compares accuracies that
            nothing is judged for.
    """
    refuse_unjudged(benchmark, metric)
    leader = None
    if scorer.budget == "race":
        strategy, leader = competitors(strategy, metric, store.typed)
    ranked = tuple(name for name, recipe in strategy.items() if recipe.ranked)
    refuse_apart(ranked, scorer, store.typed)
    needs = scored_needs(metric.values())
    if scorer.server:
        refuse_beyond_servers(metric, scorer.server)
    questions = take(benchmark, "train", n_score)
    predictions = predictions_leaf(store, benchmark, target_model, n_predict, generator)
    if dry and not _inputs_exist(store, benchmark, strategy, questions, predictions, needs):
        return Plan((), tuple(f"{name}/{need.name}" for name in strategy for need in needs))
    if own_answers(needs):
        pool = read_pool(store, predictions, benchmark, prompt, take(benchmark, "train", n_predict))
    else:
        pool = Pool((), (), "")
    examples = {name: responses(store, benchmark, recipe, questions) for name, recipe in strategy.items()}
    if not dry:
        for note in dict.fromkeys(filter(None, (pool.shortage(prompt, questions, need) for need in needs))):
            log.warning("%s: %s", predictions.name, note)
    known = {name: known_responses(store, benchmark, recipe, questions) for name, recipe in strategy.items()}
    inputs = {name: leaves_behind(store, frame) for name, frame in known.items()}
    wanted = Wanted(
        store, benchmark, target_model, tuple(metric), needs, examples, pool, prompt, scorer, ranked, inputs
    )
    make = partial(_make, wanted, trainer=trainer)
    if leader:
        if not dry and scorer.overlong == "error":  # before any work, not when the race comes to it
            tokens = [(name, need) for name in examples for need in needs if isinstance(need, TokenStats)]
            fitting_requests(target_model, tokens, examples, pool, prompt=prompt, scorer=scorer)
        plan, pieces = _race(Race(wanted, leader), make, dry=dry)
    else:
        leaves = wanted.leaves()
        plan = _planned(store, leaves.values())
        pieces: Pieces = {key: [leaf] for key, leaf in leaves.items()}
        if plan.to_make and not dry:
            make(leaves)
    lost = [
        (name, need.name)
        for name in examples
        for need in needs
        if not any(map(store.exists, pieces.get((name, need), ())))  # no table is written of what does not fit at all
    ]
    if lost and not dry:
        raise nothing_left(lost, scorer)
    for (name, need), parts in pieces.items() if loggers and not dry else ():
        if isinstance(need, TokenStats):
            frame = pd.concat([store.read(leaf) for leaf in parts])
            loss = -float(frame.groupby("example_id")["logprob"].mean().mean())
            for logger in loggers:
                logger.log_metrics({f"score/{name}/{need.name}/loss": loss})
    return plan


def _planned(store: Store, leaves: Iterable[Leaf]) -> Plan:
    names = [(leaf.name, store.exists(leaf)) for leaf in leaves]
    return Plan(tuple(name for name, there in names if there), tuple(name for name, there in names if not there))


def _make(
    wanted: Wanted,
    leaves: Leaves,
    start: int = 0,
    stop: int | None = None,
    *,
    trainer: Hardware,
) -> None:
    """Makes those of the leaves that are missing; they hold the questions `start` to `stop`."""
    store, examples = wanted.store, {name: pairs[start:stop] for name, pairs in wanted.examples.items()}
    with store.making(*leaves.values()) as missing:
        todo = {(name, need): leaf for (name, need), leaf in leaves.items() if leaf in missing}
        tokens = {(name, need): leaf for (name, need), leaf in leaves.items() if isinstance(need, TokenStats)}
        rewards = {(name, need): leaf for (name, need), leaf in todo.items() if isinstance(need, Rewards)}
        score_leaves(
            store, wanted.target, tokens, examples, wanted.pool, prompt=wanted.prompt, scorer=wanted.scorer,
            trainer=trainer, start=start, compared=wanted.compared, inputs_of=wanted.inputs_of,
        )  # fmt: skip
        reward_leaves(store, rewards, examples, trainer=trainer, inputs_of=wanted.inputs_of)
        inside = {(n, need): leaf for (n, need), leaf in todo.items() if isinstance(need, HiddenStates | Gradients)}
        inside_leaves(
            store, wanted.target, inside, examples, prompt=wanted.prompt, scorer=wanted.scorer, trainer=trainer,
            compared=wanted.compared, inputs_of=wanted.inputs_of,
        )  # fmt: skip


def _race(race: Race, make: Callable[[Leaves, int, int], None], *, dry: bool) -> tuple[Plan, Pieces]:
    """Runs what is left of a race and keeps its decisions; a dry one goes as far as there are scores."""
    store, found, to_make = race.wanted.store, list[str](), list[str]()

    def step(leaves: Leaves, start: int, stop: int) -> bool:
        plan = _planned(store, leaves.values())
        found.extend(plan.found)
        to_make.extend(plan.to_make)
        if plan.to_make and not dry:
            make(leaves, start, stop)
        return not (plan.to_make and dry)

    with ExitStack() if dry else store.making(race.leaf):
        known, begun = store.read(race.leaf) if store.exists(race.leaf) else None, time.perf_counter()
        decisions = race.run(step, known, say=not dry)
        (to_make if known is None else found).append(race.leaf.name)
        if decisions is None:
            return Plan(tuple(found), (*to_make, "and more as the race goes on")), {}
        if known is None and not dry:
            inputs = {leaf.name: store.digest(leaf) for parts in race.pieces(decisions).values() for leaf in parts}
            store.write(race.leaf, decisions, inputs, time.perf_counter() - begun, **race.facts(decisions))
    return Plan(tuple(found), tuple(to_make)), race.pieces(decisions)


def _inputs_exist(
    store: Store,
    benchmark: Benchmark,
    strategy: Mapping[str, Recipe],
    questions: Sequence[Question],
    predictions: Leaf,
    needs: Sequence[Table],
) -> bool:
    pooled = own_answers(needs)
    known = (len(known_responses(store, benchmark, recipe, questions)) for recipe in strategy.values())
    return (store.exists(predictions) or not pooled) and all(n == len(questions) for n in known)
