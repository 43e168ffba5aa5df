"""shortlist: trains the k best strategies by a cheap metric briefly, and picks by their validation accuracy.

The stages it runs are given to it as functions; they exchange artifacts in the store, as everywhere.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import pandas as pd

from sppl.analysis.pilot_cost import estimate
from sppl.analysis.policy import Policy
from sppl.artifacts.store import ArtifactId, Store
from sppl.benchmarks.definition import Benchmark
from sppl.benchmarks.splits import take
from sppl.benchmarks.validation_questions import questions_apart
from sppl.bounds import Count, NumberOfQuestions
from sppl.data.files import LocalResponses
from sppl.generation.answer import Generator
from sppl.metrics.leading import leading
from sppl.metrics.needs import Metric
from sppl.models.target import TargetModel
from sppl.report.next_step import full_command
from sppl.schemas import UserError
from sppl.strategies.recipe import Recipe
from sppl.study.loggers import Loggers, no_loggers
from sppl.study.plan import Plan, ranking_of
from sppl.study.predictions import Predictions
from sppl.study.responses import Responses
from sppl.study.shortlists import Shortlist
from sppl.study.study import Study, make_missing
from sppl.training.training_examples import encode_examples
from sppl.training.training_settings import Training

log = logging.getLogger(__name__)
Stage = Callable[..., Plan]


def shortlist(
    *,
    benchmark: Benchmark,
    target_model: TargetModel,
    strategy: Mapping[str, Recipe],
    metric: Mapping[str, Metric],
    training: Training,
    generator: Generator,
    policy: Policy,
    n_predict: Count,
    n_score: Count,
    n_validation: NumberOfQuestions,
    n_train: NumberOfQuestions,
    n_test: NumberOfQuestions,
    seed: int,
    then: Literal["print", "run"],
    rank: Stage,
    generate: Stage,
    finetune: Stage,
    run_benchmark: Stage,
    store: Store,
    n_train_tokens: Count | None = None,
    dry: bool = False,
    loggers: Loggers = no_loggers,
) -> Plan:
    """Makes the `shortlists` artifact: the k best strategies, the accuracies of their pilots, and the pick.

    Args:
        policy: how many strategies, and the pilots' size, epochs and seeds; all else is as in `training`.
        n_validation: validation questions that the pilots are measured on, or `all`.
        n_train, n_train_tokens, n_test, seed: of the full training, which follows with `then=run`; with `print` it is
            for the report to say its command.
        rank, generate, finetune, run_benchmark: the stages of these names, with the settings of this job.

    Raises:
        UserError: fewer strategies compete than are to be shortlisted, no metric ranks, or validation questions are
            missing or not apart from the others.
        MissingArtifact: as the stages raise it.
    """
    if then not in ("print", "run"):
        raise UserError(f"stage.shortlist.then={then}: there are print (the full recipe) and run")
    ranked = {name: recipe for name, recipe in strategy.items() if recipe.ranked}
    policy.check(ranked)
    lead = leading(metric.values()) or next((one for one in metric.values() if one.higher_is_better is not None), None)
    if lead is None:
        raise UserError(
            f"a shortlist needs a metric with a direction, and {', '.join(metric)} have none: 'metric=[sppl,length]'"
        )
    asked = len(questions_apart(benchmark, n_validation, store.job))
    ordered = rank(store=store, dry=True)
    if dry and ordered.to_make:
        return Plan((), (f"{policy.trainings} pilots of the {policy.k} best by {lead.name}, once all are scored",))
    if not dry:
        ordered = rank(store=store, loggers=loggers)
    ranking = store.open(ranking_of(ordered))
    led = _order_by_metric(store, ranking, lead)
    best = led["strategy"].tolist()[: policy.k]
    chosen = {name: ranked[name] for name in best}
    study = Study(store, benchmark, target_model, generator)
    lengths = _lengths(study, chosen, n_score)
    cost = estimate(
        policy,
        lengths,
        asked,
        scored=store.provenance(ranking).get("costs", {}).get(lead.name, {}),
        predicted=_prediction_cost(Predictions(study, n_predict)),
    )
    if dry:
        return Plan((ranking.name,), (f"{policy.trainings} pilots: {', '.join(best)}: {cost}",))
    log.info("%s of %d strategies, by %s: %d pilots: %s", ", ".join(best), len(led), lead.name, policy.trainings, cost)
    each = {"benchmark": replace(benchmark, also=()), "strategy": chosen, "store": store}
    generate(n_train=policy.n_pilot, n_score=1, loggers=loggers, **each)
    short = {**each, "training": replace(training, epochs=policy.epochs)}
    measured = _measure_pilots(finetune, run_benchmark, policy, n_validation, loggers, short)
    settled = Shortlist(store, ranking, led, measured, policy, lead.name)
    make_missing(store, settled)
    pick = settled.pick
    told = [f"settled by pilots: {pick}, in {store.path(settled.id)}"]
    full: list[str] = []
    if then == "run":
        each = {"benchmark": benchmark, "strategy": {pick: ranked[pick]}, "store": store, "loggers": loggers}
        generate(n_train=n_train, n_score=1, **each)
        each |= {"n_train": n_train, "n_train_tokens": n_train_tokens, "training": training, "seed": seed}
        finetune(**each)
        plan = run_benchmark(n_test=n_test, **each)
        full = [*plan.found, *plan.to_make]
        told += plan.told
    else:
        pair = dict(zip(("benchmark", "target_model"), study.words, strict=True))
        line = full_command(store.job, pick, **pair, from_files=isinstance(benchmark.responses, LocalResponses))
        told.append(f"the full recipe: {line}")
    return Plan((ranking.name, settled.id.name, *full), ()).telling(*told)


def _measure_pilots(
    finetune: Stage,
    run_benchmark: Stage,
    policy: Policy,
    n_validation: int | str,
    loggers: Loggers,
    settings: Mapping[str, Any],
) -> tuple[str, ...]:
    """Trains and measures a pilot per strategy and seed; returns the names of their results."""
    measured: list[str] = []
    for seed in policy.seeds:
        own = {**settings, "seed": seed, "n_train": policy.n_pilot, "loggers": partial(_pilot_loggers, loggers, seed)}
        finetune(**own)
        plan = run_benchmark(n_test=n_validation, split="validation", **own)
        measured += [name for name in (*plan.found, *plan.to_make) if name.startswith("results/")]
    return tuple(dict.fromkeys(measured))


def _pilot_loggers(loggers: Loggers, seed: int, strategy: str = "") -> Sequence[Any]:
    """The loggers of a pilot, which has a run of its own."""
    return loggers(strategy, f"pilot{seed}")


def _order_by_metric(store: Store, ranking: ArtifactId, lead: Metric) -> pd.DataFrame:
    """The metric's value of each strategy, the best first, equal ones by name."""
    frame = store.read(ranking)
    return frame[frame["metric"] == lead.name].sort_values(["rank", "strategy"])


def _lengths(study: Study, chosen: Mapping[str, Recipe], n_score: int) -> dict[str, list[tuple[int, int]]]:
    """Per strategy the tokens of question and of response, of every response that was scored."""
    questions = take(study.benchmark, "train", n_score)
    pairs = {
        name: Responses(study.store, study.benchmark, recipe, questions).pairs() for name, recipe in chosen.items()
    }
    return {
        name: [(len(one.prompt), len(one.response)) for one in encode_examples(study.target, part, name)]
        for name, part in pairs.items()
    }


def _prediction_cost(predictions: Predictions) -> Mapping[str, Any] | None:
    """Rows and seconds of the target's own answers; None where there are none."""
    return predictions.study.store.provenance(predictions.id) if predictions.exists else None
