"""rank: every metric of every strategy, their order, and how far it can be trusted. No torch is loaded."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sppl.benchmarks.benchmark import Benchmark
from sppl.metrics.needs import Metric, Outcomes, Table, TokenStats, compares, own_answers, table_needs
from sppl.models.target import TargetModel
from sppl.modules.scoring import Scoring
from sppl.prompts import SelfAlignedPrompt
from sppl.provenance import canonical
from sppl.schemas import UserError
from sppl.stages.leaves import Plan, predictions_leaf, table_leaf, take
from sppl.stages.pilots import pilot_facts, pilot_leaf, pilots_missing
from sppl.stages.pool import read_pool
from sppl.stages.ranking import announce, rankings_leaf, write_ranking
from sppl.stages.responses import known_responses
from sppl.store import Leaf, MissingArtefact, Store
from sppl.strategies.recipe import Recipe

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

Stats = Mapping[tuple[str, Table], Leaf]
"""The leaf of every strategy and table."""


def rank(
    *,
    benchmark: Benchmark,
    target_model: TargetModel,
    strategy: Mapping[str, Recipe],
    metric: Mapping[str, Metric],
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
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
        UserError: no strategy competes.
        MissingArtefact: a strategy was not scored in a context; the message is the command that scores it.
    """
    ranked = {name: recipe for name, recipe in strategy.items() if recipe.ranked}
    if not ranked:
        raise UserError(
            f"{', '.join(strategy)}: shown as a reference and never ranked; add strategies that compete, e.g. "
            f"'strategy=[gpt4,{next(iter(strategy))}]', or leave out the stages rank and report"
        )
    stats = _token_stats(store, benchmark, target_model, ranked, metric, prompt, scorer, n_predict, n_score, dry=dry)
    if stats is None:
        return Plan((), (f"{benchmark.name}/{target_model.name}",))
    measured = {
        (one.name, name): store.leaf(
            "scores", benchmark.name, target_model.name, name, one.name,
            settings={"metric": canonical(one), "inputs": _digests(store, one, name, stats)},
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
    leaf = rankings_leaf(store, benchmark.name, target_model.name, ranked, inputs)
    plan = Plan((leaf.name,), ()) if store.exists(leaf) else Plan((), (leaf.name,))
    if dry:
        return plan
    scores = pd.concat([store.read(one) for one in measured.values()], ignore_index=True)
    facts = {"source": benchmark.responses.label}
    scores, notes = _comparable(scores, scorer)
    notes |= _pool_notes(metric, store, benchmark, target_model, prompt, n_predict)
    costs = {one.name: _cost(store, one, stats) for one in metric.values()}
    metrics = list(metric.values())
    write_ranking(store, leaf, scores, metrics, inputs=inputs, facts=facts, notes=notes, costs=costs)
    announce(store.read(leaf), loggers)
    return plan


def _token_stats(
    store: Store,
    benchmark: Benchmark,
    target: TargetModel,
    strategy: Mapping[str, Recipe],
    metric: Mapping[str, Metric],
    prompt: SelfAlignedPrompt,
    scorer: Scoring,
    n_predict: int,
    n_score: int,
    *,
    dry: bool,
) -> dict[tuple[str, Table], Leaf] | None:
    """The leaf of every strategy and table the metrics need; None where one is missing in a dry run."""
    questions = take(benchmark, "train", n_score)
    pool = predictions_leaf(store, benchmark, target, n_predict)
    needs = table_needs(metric.values())
    leaves: dict[tuple[str, Table], Leaf] = {}
    missing: list[str] = []
    untrained: dict[Outcomes, list[str]] = {}
    for name, recipe in strategy.items():
        known = known_responses(store, benchmark, recipe, questions)
        pooled = store.exists(pool) or not own_answers(needs)
        if len(known) < len(questions) or not pooled:
            missing.append(name)
            continue
        examples = list(zip(questions, known["response"], strict=True))
        for need in needs:
            if isinstance(need, Outcomes):
                leaf = pilot_leaf(store, benchmark, target, name, recipe, need)
                absent = untrained.setdefault(need, [])
            else:
                leaf = table_leaf(
                    store, benchmark, target, strategy=name, need=need, prompt=prompt, scorer=scorer,
                    examples=examples, pool=pool,
                )  # fmt: skip
                absent = missing
            if leaf is not None and store.exists(leaf):
                leaves[name, need] = leaf
            else:
                absent.append(name)
    if dry and (missing or any(untrained.values())):
        return None
    if missing:
        names = ",".join(dict.fromkeys(missing))
        raise MissingArtefact(
            f"no scores of {names} for {benchmark.name} / {target.name} with these settings; make them: python run.py "
            f"'stage=[predict,score,rank]' benchmark={benchmark.name} target_model={target.name} 'strategy=[{names}]' "
            f"'metric=[{','.join(metric)}]'"
        )
    for need, names in untrained.items():
        if names:
            raise pilots_missing(benchmark, target, names, need)
    return leaves


def _digests(store: Store, metric: Metric, name: str, stats: Stats) -> list[str] | dict[str, list[str]]:
    """Of what the metric reads: a strategy's own statistics, or those of all strategies where it compares them."""

    def own(strategy: str) -> list[str]:
        return [store.digest(stats[strategy, need]) for need in table_needs([metric])]

    if not compares(metric):
        return own(name)
    return {strategy: own(strategy) for strategy in sorted({strategy for strategy, _ in stats})}


def _measure(store: Store, leaves: Mapping[str, Leaf], metric: Metric, stats: Stats) -> None:
    """One metric, per example: of one strategy, or of all at once where the metric compares them."""
    with store.making(*leaves.values()) as missing:
        if not missing:
            return
        start, needs = time.perf_counter(), table_needs([metric])
        tables = {
            need: pd.concat(
                [_table(store, stats[name, need]).assign(strategy=name) for name in leaves], ignore_index=True
            )
            for need in needs
        }
        scores = metric.per_example(tables).astype({"value": "float64"})
        inputs = {stats[name, need].name: store.digest(stats[name, need]) for name in leaves for need in needs}
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


def _cost(store: Store, metric: Metric, stats: Stats) -> dict[str, float | None]:
    """What the metric costs per response: forward passes over question and response (`passes`), and `seconds`.

    A pass that several metrics share counts for each. None where the statistics were made before costs were kept.
    """
    by_pass = {_pass(need): need for need in table_needs([metric])}  # two tables of one context are one pass
    facts = [
        pilot_facts(store, leaf) if isinstance(need, Outcomes) else store.provenance(leaf)
        for (_, need), leaf in stats.items()
        if by_pass.get(_pass(need)) == need
    ]
    if any("passes" not in fact for fact in facts):
        return {"passes": None, "seconds": None}
    responses = sum(fact["responses"] for fact in facts) / len(by_pass)
    return {
        "passes": round(sum(fact["passes"] * fact["responses"] for fact in facts) / responses, 4),
        "seconds": round(sum(fact["seconds"] for fact in facts) / responses, 6),
    }


def _comparable(scores: pd.DataFrame, scorer: Scoring) -> tuple[pd.DataFrame, dict[str, str]]:
    """The scores of questions that every strategy has, where `overlong=skip` left some out, and a note per metric."""
    if scorer.overlong != "skip":
        return scores, {}
    n = scores.groupby("metric")["strategy"].transform("nunique")
    whole = scores.groupby(["metric", "example_id"])["strategy"].transform("nunique") == n
    lost = scores[~whole].groupby("metric")["example_id"].nunique()
    notes = {str(name): f"{count} questions left out: too long for the target" for name, count in lost.items()}
    return scores[whole], notes


def _pool_notes(
    metric: Mapping[str, Metric],
    store: Store,
    benchmark: Benchmark,
    target: TargetModel,
    prompt: SelfAlignedPrompt,
    n_predict: int,
) -> dict[str, str]:
    """What has to be said beside every metric that shows own answers, where the pool is not what was asked for."""
    pooled = [one.name for one in metric.values() if own_answers(one.needs())]
    if not pooled:
        return {}
    leaf = predictions_leaf(store, benchmark, target, n_predict)
    note = read_pool(store, leaf, benchmark, prompt, take(benchmark, "train", n_predict)).note
    return dict.fromkeys(pooled, note) if note else {}
