"""rank: computes every metric of every strategy and ranks the strategies. No torch is loaded."""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any

import pandas as pd

from sppl.artifacts.store import MissingArtifact, Store
from sppl.benchmarks.definition import Benchmark
from sppl.bounds import Count
from sppl.generation.answer import Generator
from sppl.metrics.needs import Metric, scored_needs
from sppl.models.size import parameters_of
from sppl.models.target import TargetModel
from sppl.prompts import SelfAlignedPrompt
from sppl.schemas import UserError
from sppl.scoring.overlong import overlong_notes
from sppl.scoring.scoring_settings import Scoring
from sppl.strategies.recipe import Recipe
from sppl.study.loggers import Loggers, no_loggers
from sppl.study.pilots import pilot_results, refuse_unjudged
from sppl.study.plan import Plan, plan_of, plan_waiting
from sppl.study.race import Race, competitors, pieces_of
from sppl.study.rankings import Ranking, announce
from sppl.study.rule_warnings import warn_if_none_is_right
from sppl.study.samples import Samples
from sppl.study.scores import Scores, cost_of, scores_by
from sppl.study.study import Conditions, Study, make_missing
from sppl.study.wanted_tables import FoundResponses, Pieces, WantedTables


def rank(
    *,
    benchmark: Benchmark,
    target_model: TargetModel,
    strategy: Mapping[str, Recipe],
    metric: Mapping[str, Metric],
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
    generator: Generator,
    n_predict: Count,
    n_score: Count,
    store: Store,
    dry: bool = False,
    loggers: Loggers = no_loggers,
) -> Plan:
    """Makes one `scores` artifact per strategy and metric, and the `rankings` artifact over all of them.

    Returns:
        The plan; `sppl.study.plan.ranking_of` has the ranking's name in it.

    Raises:
        UserError: no strategy competes, or a metric compares accuracies and nothing is judged.
        MissingArtifact: a strategy was not scored in a context; the message is the command that scores it.
    """
    refuse_unjudged(benchmark, metric)
    ranked = {name: recipe for name, recipe in strategy.items() if recipe.ranked}
    if not ranked:
        raise UserError(
            f"{', '.join(strategy)}: shown as a reference and never ranked; add strategies that compete, e.g. "
            f"'strategy=[gpt4,{next(iter(strategy))}]', or leave out the stages rank and report"
        )
    leader = competitors(ranked, metric, store.typed)[1] if scorer.budget == "race" else None
    study, how = Study(store, benchmark, target_model, generator), Conditions(prompt, scorer, n_predict, n_score)
    wanted = WantedTables(study, how, ranked, metric)
    try:
        found, race, pieces = _pieces(wanted, leader)
    except MissingArtifact:
        if dry:
            return _waiting(wanted)
        raise
    by_metric = {one.name: scores_by(study, one, tuple(ranked), pieces) for one in metric.values()}
    measured = list(chain(*by_metric.values()))
    plan = plan_of(measured)
    if dry and plan.to_make:
        return plan + _plan_ranking(study, ranked, [one.id.name for one in measured])
    for scores in by_metric.values():
        make_missing(store, *scores)
    ranking = Ranking(
        store,
        study.words,
        tuple(ranked),
        list(metric.values()),
        {one.id.name: store.digest(one.id) for one in measured},
        lambda: _comparable(store, measured, wanted, race),
        _facts(study),
        {
            "teachers": {name: recipe.teacher for name, recipe in ranked.items()},
            "responses": {name: one.folder for name, one in wanted.responses().items()},
            "judge": benchmark.judge,
        },
        _flags(found, pieces),
        {one.name: cost_of(study, one, pieces) for one in metric.values()},
        race.id if race else None,
    )
    samples = Samples(found, ranking.id)
    plan = Plan(tuple(one.id.name for one in measured), ()) + plan_of([samples, ranking])
    if dry:
        return plan
    warn_if_none_is_right(wanted.responses())
    make_missing(store, ranking, samples)
    announce(store.read(ranking.id), loggers if plan.to_make else no_loggers)
    return plan


def _pieces(wanted: WantedTables, leader: Metric | None) -> tuple[FoundResponses, Race | None, Pieces]:
    """The tables that the metrics need, which have to exist.

    Raises:
        MissingArtifact: something is missing; the message is the command that makes it.
    """
    if missing := wanted.missing():
        raise wanted.unscored(missing)
    found = wanted.found()
    race = Race(found, leader) if leader else None
    pieces: dict = {**pieces_of(found, race), **pilot_results(wanted.study, wanted.strategy, wanted.metric)}
    return found, race, pieces


def _waiting(wanted: WantedTables) -> Plan:
    """The plan while tables are missing."""
    words = wanted.study.words
    of = {
        (name, one.name): [wanted.awaited(name, scored_needs([one])), one]
        for one in wanted.metric.values()
        for name in wanted.strategy
    }
    plans = [plan_waiting("scores", *words, *pair, of=said) for pair, said in of.items()]
    return sum([*plans, _plan_ranking(wanted.study, wanted.strategy, list(of.values()))], Plan((), ()))


def _plan_ranking(study: Study, ranked: Collection[str], of: Sequence[object]) -> Plan:
    """The plan of what is made of the scores."""
    words = (*study.words, f"{len(ranked)}_strategies")
    return plan_waiting("samples", *words, of=of) + plan_waiting("rankings", *words, of=of)


def _facts(study: Study) -> dict[str, Any]:
    """Columns of the ranking with the same value in every row."""
    parameters = parameters_of(study.target)
    size = {} if parameters is None else {"parameters": parameters}
    return {"source": study.benchmark.responses.label, **size}


def _comparable(store: Store, measured: Sequence[Scores], wanted: WantedTables, race: Race | None) -> pd.DataFrame:
    """The scores of questions that every strategy has, where `overlong` left some out; after a race all scores.

    Raises:
        UserError: there is none by some metric.
    """
    scores = pd.concat([store.read(one.id) for one in measured], ignore_index=True)
    if race or wanted.conditions.scorer.overlong == "error":
        return scores
    n = scores.groupby("metric")["strategy"].transform("nunique")
    whole = scores[scores.groupby(["metric", "example_id"])["strategy"].transform("nunique") == n]
    for metric, part in scores.groupby("metric"):
        if metric not in set(whole["metric"]):
            counts, n = part.groupby("strategy")["example_id"].nunique(), wanted.conditions.n_score
            raise UserError(
                f"{metric}: no question fits the target's context for all strategies (of {n} questions "
                f"fit {', '.join(f'{count} of {name}' for name, count in counts.items())}), so nothing can be "
                "compared. Leave the longest out of `strategy`, or take a target with a longer context"
            )
    return whole


def _flags(found: FoundResponses, pieces: Pieces) -> dict[str, str]:
    """Metric name -> a remark, where it was not computed as it was asked for."""
    flags: dict[str, str] = {}
    store, pool = found.sample.store, found.sample.pool
    for one in found.wanted.metric.values():
        needs = scored_needs([one])
        said = [pool.note] if any(need.shows_own_answers for need in needs) else []
        said += found.shortages(needs)
        said += overlong_notes(
            [store.provenance(part.id) for (_, need), parts in pieces.items() if need in needs for part in parts]
        )
        if notes := "; ".join(dict.fromkeys(filter(None, said))):
            flags[one.name] = notes
    return flags
