"""score: computes token statistics of every response in every context that the metrics need."""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import pandas as pd

from sppl.artifacts.store import Store
from sppl.benchmarks.definition import Benchmark
from sppl.bounds import Count
from sppl.commands import command
from sppl.generation.answer import Generator
from sppl.hardware.hardware import Hardware
from sppl.metrics.needs import Metric
from sppl.models.target import TargetModel
from sppl.prompts import SelfAlignedPrompt
from sppl.scoring.overlong import nothing_left_error
from sppl.scoring.scoring_settings import Scoring
from sppl.scoring.separate_jobs import refuse_separate_jobs
from sppl.strategies.recipe import Recipe
from sppl.study.loggers import Loggers, no_loggers
from sppl.study.pilots import refuse_unjudged
from sppl.study.plan import Plan, plan_of
from sppl.study.race import Race, competitors
from sppl.study.study import Conditions, Study
from sppl.study.wanted_tables import FoundResponses, TablePieces, Tables, WantedTables, refuse_beyond_server
from sppl.tables.sample import check_tables, make_tables

log = logging.getLogger(__name__)


def score(
    *,
    benchmark: Benchmark,
    target_model: TargetModel,
    strategy: Mapping[str, Recipe],
    metric: Mapping[str, Metric],
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
    n_predict: Count,
    n_score: Count,
    trainer: Hardware,
    generator: Generator,
    store: Store,
    dry: bool = False,
    loggers: Loggers = no_loggers,
) -> Plan:
    """Makes the tables that metrics need of every strategy: `token_stats` per context and set of further columns, ...

    With `scorer.budget=race` they are made batch by batch, of the strategies still in the race, and its decisions are
    kept in `races`.

    Raises:
        MissingArtifact: predictions or paid responses are missing; the message is the command that makes them.
        UserError: a response is empty, or does not fit the target's context; a metric compares accuracies that
            nothing is judged for.
    """
    refuse_unjudged(benchmark, metric)
    leader = None
    if scorer.budget == "race":
        strategy, leader = competitors(strategy, metric, store.typed)
    ranked = tuple(name for name, recipe in strategy.items() if recipe.ranked)
    refuse_separate_jobs(ranked, scorer, store.typed)
    refuse_beyond_server(metric, scorer)
    study = Study(store, benchmark, target_model, generator, trainer)
    wanted = WantedTables(study, Conditions(prompt, scorer, n_predict, n_score), strategy, metric, ranked)
    if dry and wanted.missing():
        return wanted.waiting()
    found = wanted.found()
    if not dry:
        for note in found.shortages(wanted.needs):
            log.warning("%s: %s", wanted.predictions.id.name, note)
    if leader:
        if not dry and scorer.overlong == "error":  # before any work, not when the race comes to it
            check_tables(list(found.tables().values()))
        plan, pieces = _race(Race(found, leader), dry=dry)
    else:
        tables = found.tables()
        plan, pieces = plan_of(tables.values()), {key: [table] for key, table in tables.items()}
        if plan.to_make and not dry:
            _make(tables)
    if not dry:
        _refuse_unscored(found, pieces)
        _log(pieces, plan.to_make, loggers)
        made = [*plan.found, *plan.to_make]
        folders = dict.fromkeys(Path(store.root, *name.split("/")[:3]) for name in made if "/" in name)
        plan = plan.telling(
            f"{len(made)} tables of {', '.join(strategy)} are in {', '.join(map(str, folders))}",
            f"to rank by them: {command(store.job, 'stage=[rank]')}",
        )
    return plan


def _make(tables: Tables) -> None:
    store = next(iter(tables.values())).sample.store
    with store.making(*(one.id for one in tables.values())):
        make_tables(list(tables.values()))


def _race(race: Race, *, dry: bool) -> tuple[Plan, TablePieces]:
    """Runs what is left of a race and keeps its decisions; a dry run goes as far as there are scores."""
    plan = Plan((), ())

    def step(tables: Tables) -> bool:
        nonlocal plan
        batch = plan_of(tables.values())
        plan += batch
        if batch.to_make and not dry:
            _make(tables)
        return not (batch.to_make and dry)

    with nullcontext() if dry else race.store.making(race.id):
        known, start = race.decisions(), time.perf_counter()
        decisions = race.run(step, known, say=not dry)
        plan += plan_of([race])
        if decisions is None:
            return plan + Plan((), ("and more as the race goes on",)), {}
        if known is None and not dry:
            race.keep(decisions, time.perf_counter() - start)
    return plan, race.pieces(decisions)


def _refuse_unscored(found: FoundResponses, pieces: TablePieces) -> None:
    """Refuses to go on where no response of some strategy fits the target: it has no table."""
    lost = [
        (name, need.name)
        for name in found.sample.examples
        for need in found.wanted.needs
        if not any(one.exists for one in pieces.get((name, need), ()))
    ]
    if lost:
        raise nothing_left_error(lost, found.sample.scorer)


def _log(pieces: TablePieces, made: Sequence[str], loggers: Loggers) -> None:
    for (name, need), parts in pieces.items():
        if not (any(one.id.name in made for one in parts) and (told := loggers(name))):
            continue
        frame = pd.concat([one.read() for one in parts])
        for what, value in need.logged(frame).items():
            for logger in told:
                logger.log_metrics({f"score/{need.name}/{what}": value})
