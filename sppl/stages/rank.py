"""rank: every metric of every strategy, their order, and how far it can be trusted. No torch is loaded."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from sppl.artifacts.code_identity import code_of
from sppl.artifacts.provenance import canonical
from sppl.artifacts.store import Leaf, MissingArtefact, Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.generation.answer import Generator
from sppl.metrics.needs import Metric, Outcomes, Table, TokenStats, compares, own_answers, scored_needs, table_needs
from sppl.models.size import parameters_of
from sppl.models.target import TargetModel
from sppl.prompts import SelfAlignedPrompt
from sppl.schemas import Question, UserError
from sppl.scoring.scoring_settings import Scoring
from sppl.stages.fitting import overlong_notes
from sppl.stages.leaves import Plan, take
from sppl.stages.none_right import warn_if_none_is_right
from sppl.stages.pilots import pilot_facts, pilot_leaves, refuse_unjudged
from sppl.stages.pool import Pool
from sppl.stages.race import Race, competitors, pieces_of
from sppl.stages.ranking import announce, rankings_leaf, write_ranking
from sppl.stages.responses import responses_folder
from sppl.stages.samples import make_sample
from sppl.stages.tables import Pieces, known_tables
from sppl.strategies.recipe import Recipe

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger


def rank(
    *,
    benchmark: Benchmark,
    target_model: TargetModel,
    strategy: Mapping[str, Recipe],
    metric: Mapping[str, Metric],
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
    generator: Generator,
    n_predict: int,
    n_score: int,
    store: Store,
    dry: bool = False,
    loggers: Sequence["Logger"] = (),
) -> Plan:
    """Makes one `scores` leaf per strategy and metric, and the `rankings` leaf over all of them.

    Returns:
        The plan; the name of the rankings leaf comes last in it.

    Raises:
        UserError: no strategy competes, or a metric compares accuracies and nothing is judged.
        MissingArtefact: a strategy was not scored in a context; the message is the command that scores it.
    """
    refuse_unjudged(benchmark, metric)
    ranked = {name: recipe for name, recipe in strategy.items() if recipe.ranked}
    if not ranked:
        raise UserError(
            f"{', '.join(strategy)}: shown as a reference and never ranked; add strategies that compete, e.g. "
            f"'strategy=[gpt4,{next(iter(strategy))}]', or leave out the stages rank and report"
        )
    leader = competitors(ranked, metric, store.typed)[1] if scorer.budget == "race" else None
    race = None
    try:
        wanted = known_tables(
            store, benchmark, target_model, ranked, metric, prompt, scorer, generator, n_predict, n_score
        )
        race = Race(wanted, leader) if leader else None
        stats = {**pieces_of(wanted, race), **pilot_leaves(store, benchmark, target_model, ranked, metric, generator)}
    except MissingArtefact:
        if dry:
            return Plan((), (f"{benchmark.name}/{target_model.name}",))
        raise
    measured = {
        (one.name, name): store.leaf(
            "scores", benchmark.name, target_model.name, name, one.name,
            settings={"metric": canonical(one), "code": code_of(one), "inputs": _digests(store, one, name, stats)},
        )
        for one in metric.values()
        for name in ranked
    }  # fmt: skip
    ready = all(store.exists(leaf) for leaf in measured.values())
    if dry and not ready:
        return Plan((), (f"{benchmark.name}/{target_model.name}",))
    for one in metric.values():
        leaves = {name: measured[one.name, name] for name in ranked}
        for part in [leaves] if compares(one) else [{name: leaf} for name, leaf in leaves.items()]:
            _measure(store, part, one, stats)
    inputs = {one.name: store.digest(one) for one in measured.values()}
    decided = store.digest(race.leaf) if race else None
    questions = take(benchmark, "train", n_score)
    flags = _flags(metric, stats, store, wanted.pool, prompt, questions)
    facts: dict[str, Any] = {"source": benchmark.responses.label}
    if (parameters := parameters_of(target_model)) is not None:
        facts["parameters"] = parameters
    said: dict[str, Any] = {
        "teachers": {name: recipe.teacher for name, recipe in ranked.items()},
        "responses": {name: responses_folder(store, benchmark, recipe) for name, recipe in ranked.items()},
        "judge": benchmark.judge,
    }
    leaf = rankings_leaf(
        store, benchmark.name, target_model.name, ranked, inputs, race=decided, flags=flags, said=facts | said
    )
    found = tuple(one.name for one in measured.values())
    plan = Plan((*found, leaf.name), ()) if store.exists(leaf) else Plan(found, (leaf.name,))
    if dry:
        return plan
    warn_if_none_is_right(store, benchmark, ranked, take(benchmark, "train", n_score))
    scores = pd.concat([store.read(one) for one in measured.values()], ignore_index=True)
    scores = scores if race else _comparable(scores, scorer, len(questions))
    costs = {one.name: _cost(store, one, stats) for one in metric.values()}
    metrics = list(metric.values())
    more: dict[str, Any] = {**said, "race": race.leaf} if race else said
    write_ranking(store, leaf, scores, metrics, inputs=inputs, facts=facts, flags=flags, costs=costs, **more)
    make_sample(store, leaf, benchmark, target_model, ranked, wanted, n_predict)
    announce(store.read(leaf), loggers)
    return plan


def _digests(store: Store, metric: Metric, name: str, stats: Pieces) -> list[str] | dict[str, list[str]]:
    """Of what the metric reads: a strategy's own statistics, or those of all strategies where it compares them."""

    def own(strategy: str) -> list[str]:
        return [store.digest(leaf) for need in table_needs([metric]) for leaf in stats[strategy, need]]

    if not compares(metric):
        return own(name)
    return {strategy: own(strategy) for strategy in sorted({strategy for strategy, _ in stats})}


def _measure(store: Store, leaves: Mapping[str, Leaf], metric: Metric, stats: Pieces) -> None:
    """One metric, per example: of one strategy, or of all at once where the metric compares them."""
    with store.making(*leaves.values()) as missing:
        if not missing:
            return
        start, needs = time.perf_counter(), table_needs([metric])
        tables = {
            need: pd.concat(
                [_table(store, leaf).assign(strategy=name) for name in leaves for leaf in stats[name, need]],
                ignore_index=True,
            )
            for need in needs
        }
        scores = metric.per_example(tables).astype({"value": "float64"})
        inputs = {one.name: store.digest(one) for name in leaves for need in needs for one in stats[name, need]}
        seconds = (time.perf_counter() - start) / len(leaves)
        for name, leaf in leaves.items():
            if leaf in missing:
                frame = scores[scores["strategy"] == name]
                frame = frame.assign(benchmark=leaf.words[0], target_model=leaf.words[1], metric=metric.name)
                store.write(leaf, frame, inputs, seconds)


def _table(store: Store, leaf: Leaf) -> pd.DataFrame:
    """What metrics read: of results, the test questions are the examples."""
    return store.read(leaf).rename(columns={"question_id": "example_id"})


def _pass(need: Table) -> object:
    return need.context if isinstance(need, TokenStats) else need


def _cost(store: Store, metric: Metric, stats: Pieces) -> dict[str, float | None]:
    """What the metric costs per response: forward passes over question and response (`passes`), and `seconds`.

    A pass that several metrics share counts for each. None where the statistics were made before costs were kept.
    """
    by_pass = {_pass(need): need for need in table_needs([metric])}  # two tables of one context are one pass
    facts = [
        pilot_facts(store, leaf) if isinstance(need, Outcomes) else store.provenance(leaf)
        for (_, need), leaves in stats.items()
        if by_pass.get(_pass(need)) == need
        for leaf in leaves
    ]
    if any("passes" not in fact for fact in facts):
        return {"passes": None, "seconds": None}
    responses = sum(fact["responses"] for fact in facts) / len(by_pass)
    return {
        "passes": round(sum(fact["passes"] * fact["responses"] for fact in facts) / responses, 4),
        "seconds": round(sum(fact["seconds"] for fact in facts) / responses, 6),
    }


def _comparable(scores: pd.DataFrame, scorer: Scoring, n_questions: int) -> pd.DataFrame:
    """The scores of questions that every strategy has, where `overlong` left some out.

    Raises:
        UserError: there is none by some metric.
    """
    if scorer.overlong == "error":
        return scores
    n = scores.groupby("metric")["strategy"].transform("nunique")
    whole = scores[scores.groupby(["metric", "example_id"])["strategy"].transform("nunique") == n]
    for metric, part in scores.groupby("metric"):
        if metric not in set(whole["metric"]):
            counts = part.groupby("strategy")["example_id"].nunique()
            raise UserError(
                f"{metric}: no question fits the target's context for all strategies (of {n_questions} questions fit "
                f"{', '.join(f'{count} of {name}' for name, count in counts.items())}), so nothing can be compared. "
                "Leave the longest out of `strategy`, or take a target with a longer context"
            )
    return whole


def _flags(
    metric: Mapping[str, Metric],
    stats: Pieces,
    store: Store,
    pool: Pool,
    prompt: SelfAlignedPrompt,
    questions: Sequence[Question],
) -> dict[str, str]:
    """Metric name -> what has to be said beside it, where it was not computed as it was asked for."""
    flags: dict[str, str] = {}
    for one in metric.values():
        needs = scored_needs([one])
        pooled = [need for need in needs if own_answers([need])]
        said = [pool.note] if pooled else []
        said += [pool.shortage(prompt, questions, need) for need in pooled]
        said += overlong_notes(
            [store.provenance(leaf) for key, leaves in stats.items() if key[1] in needs for leaf in leaves]
        )
        if told := "; ".join(dict.fromkeys(filter(None, said))):
            flags[one.name] = told
    return flags
