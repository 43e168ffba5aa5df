"""rank: every metric of every strategy, their order, and how far it can be trusted. No torch is loaded."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sppl.analysis.ranking import rank as ranking_of
from sppl.analysis.ranking import sentence
from sppl.benchmarks.benchmark import Benchmark
from sppl.metrics.needs import Metric
from sppl.models.target import TargetModel
from sppl.modules.scoring import Scoring
from sppl.prompts import SelfAligned, SelfAlignedPrompt
from sppl.provenance import canonical
from sppl.schemas import UserError
from sppl.stages.leaves import Plan, predictions_leaf, take, token_stats_leaf
from sppl.stages.pool import read_pool
from sppl.stages.responses import known_responses
from sppl.store import Leaf, MissingArtefact, Store
from sppl.strategies.recipe import Recipe

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

log = logging.getLogger(__name__)


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
        for name in ranked:
            _measure(store, measured[one.name, name], one, name, stats)
    settings = {"scores": sorted(store.digest(leaf) for leaf in measured.values()), "strategies": sorted(ranked)}
    leaf = store.leaf("rankings", benchmark.name, target_model.name, f"{len(ranked)}_strategies", settings=settings)
    plan = Plan((leaf.name,), ()) if store.exists(leaf) else Plan((), (leaf.name,))
    if dry:
        return plan
    with store.making(leaf) as missing:
        if missing:
            start = time.perf_counter()
            scores = pd.concat([store.read(one) for one in measured.values()], ignore_index=True)
            frame = ranking_of(scores, list(metric.values()), strategies=list(ranked))
            frame = _with_pool_note(frame, metric, store, benchmark, target_model, prompt, n_predict)
            frame["source"] = benchmark.responses.label
            inputs = {one.name: store.digest(one) for one in measured.values()}
            store.write(leaf, frame, inputs, time.perf_counter() - start)
    frame = store.read(leaf)
    for one in metric.values():
        said = frame[frame["metric"] == one.name]
        if one.higher_is_better is not None:
            log.info("%s / %s: %s", benchmark.name, target_model.name, sentence(said))
        for logger in loggers:
            values = zip(said["strategy"], said["value"].tolist(), strict=True)
            logger.log_metrics({f"rank/{name}/{one.name}": value for name, value in values})
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
) -> dict[tuple[str, str], Leaf] | None:
    """The token statistics leaf of every strategy and context name; None where one is missing in a dry run."""
    questions = take(benchmark, "train", n_score)
    pool = predictions_leaf(store, benchmark, target, n_predict)
    contexts = {need.context for one in metric.values() for need in one.needs()}
    leaves: dict[tuple[str, str], Leaf] = {}
    missing = []
    for name, recipe in strategy.items():
        known = known_responses(store, benchmark, recipe, questions)
        pooled = store.exists(pool) or not any(isinstance(context, SelfAligned) for context in contexts)
        if len(known) < len(questions) or not pooled:
            missing.append(name)
            continue
        examples = list(zip(questions, known["response"], strict=True))
        for context in contexts:
            leaves[name, context.name] = token_stats_leaf(
                store, benchmark, target, strategy=name, context=context, prompt=prompt, end=scorer.end,
                examples=examples, pool=pool,
            )  # fmt: skip
            if not store.exists(leaves[name, context.name]):
                missing.append(name)
    if missing and dry:
        return None
    if missing:
        names = ",".join(dict.fromkeys(missing))
        raise MissingArtefact(
            f"no scores of {names} for {benchmark.name} / {target.name} with these settings; make them: python run.py "
            f"'stage=[predict,score,rank]' benchmark={benchmark.name} target_model={target.name} 'strategy=[{names}]'"
        )
    return leaves


def _digests(store: Store, metric: Metric, name: str, stats: Mapping[tuple[str, str], Leaf]) -> list[str]:
    return [store.digest(stats[name, need.context.name]) for need in metric.needs()]


def _measure(store: Store, leaf: Leaf, metric: Metric, name: str, stats: Mapping[tuple[str, str], Leaf]) -> None:
    """One metric of one strategy, per example."""
    with store.making(leaf) as missing:
        if not missing:
            return
        start = time.perf_counter()
        tables = {need: store.read(stats[name, need.context.name]).assign(strategy=name) for need in metric.needs()}
        frame = metric.per_example(tables)
        frame = frame.assign(benchmark=leaf.words[0], target_model=leaf.words[1], metric=metric.name)
        inputs = {one.name: store.digest(one) for one in (stats[name, need.context.name] for need in metric.needs())}
        store.write(leaf, frame, inputs, time.perf_counter() - start)


def _with_pool_note(
    frame: pd.DataFrame,
    metric: Mapping[str, Metric],
    store: Store,
    benchmark: Benchmark,
    target: TargetModel,
    prompt: SelfAlignedPrompt,
    n_predict: int,
) -> pd.DataFrame:
    """The ranking with the pool's fallback named beside every metric that shows own answers."""
    pooled = [one.name for one in metric.values() if any(isinstance(need.context, SelfAligned) for need in one.needs())]
    if pooled:
        leaf = predictions_leaf(store, benchmark, target, n_predict)
        note = read_pool(store, leaf, benchmark, prompt, take(benchmark, "train", n_predict)).note
        at = frame["metric"].isin(pooled)
        frame.loc[at, "note"] = ["; ".join(part for part in (said, note) if part) for said in frame.loc[at, "note"]]
    return frame
