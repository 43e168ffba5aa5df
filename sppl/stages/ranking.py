"""From scores to a rankings leaf, whoever made the scores."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from sppl.analysis.agreement import where_they_differ
from sppl.analysis.raced import rank_raced
from sppl.analysis.ranking import rank, sentence
from sppl.analysis.resampling import RankedMetric
from sppl.artifacts.store import Leaf, Store

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

log = logging.getLogger(__name__)


def rankings_leaf(
    store: Store,
    benchmark: str,
    target: str,
    strategies: Iterable[str],
    inputs: Mapping[str, str],
    race: str | None = None,
    flags: Mapping[str, str] | None = None,
    said: Mapping[str, Any] | None = None,
) -> Leaf:
    """The ranking of these strategies by scores with these digests, by the race with this one, flagged like this.

    `said` is what else the ranking says: who wrote the responses, where they lie, by which rule they were judged.
    """
    settings: dict[str, Any] = {"scores": sorted(inputs.values()), "strategies": sorted(strategies)}
    if race:
        settings["race"] = race
    if flags:
        settings["flags"] = dict(flags)
    if said:
        settings["said"] = dict(said)
    return store.leaf("rankings", benchmark, target, f"{len(settings['strategies'])}_strategies", settings=settings)


def write_ranking(
    store: Store,
    leaf: Leaf,
    scores: pd.DataFrame,
    metrics: Sequence[RankedMetric],
    *,
    inputs: Mapping[str, str],
    facts: Mapping[str, Any],
    flags: Mapping[str, str],
    costs: Mapping[str, Mapping[str, float | None]] | None = None,
    race: Leaf | None = None,
    responses: Mapping[str, str] | None = None,
    judge: str = "",
    teachers: Mapping[str, str] | None = None,
) -> None:
    """Ranks the strategies of the scores by every metric and stores the ranking, unless it is there.

    Args:
        inputs: names and digests of what the scores were read from.
        facts: columns that say the same of every row.
        flags: metric name -> what has to be said beside it; it joins the column `note`, and is the column `flag`.
        costs: metric name -> `passes` and `seconds` per response; the first becomes the column `cost`, both are kept in
            the provenance.
        race: where the decisions of the race are kept that dropped some of the strategies on the way.
        responses: strategy -> the folder of its responses in the store, for reports.
        judge: the rule by which these were judged.
        teachers: strategy -> who writes its responses, the column `teacher`; empty where nobody is named.
    """
    with store.making(leaf) as missing:
        if not missing:
            return
        start = time.perf_counter()
        known: dict[str, object] = {"responses": responses, "judge": judge} if responses else {}
        if race:
            said = store.provenance(race)
            frame = rank_raced(
                scores, metrics, store.read(race), leading=said["metric"], n_questions=said["n_questions"]
            )
            known["race"], inputs = race.name, {**inputs, race.name: store.digest(race)}
        else:
            frame = rank(scores, metrics)
        frame = frame.assign(**facts)
        if teachers is not None:
            frame["teacher"] = frame["strategy"].map(teachers)
        said = [flags.get(metric, "") for metric in frame["metric"]]
        frame["note"] = ["; ".join(filter(None, pair)) for pair in zip(frame["note"], said, strict=True)]
        if any(said):
            frame["flag"] = said
        if costs is not None:
            passes = {metric: cost["passes"] for metric, cost in costs.items()}
            frame["cost"] = frame["metric"].map(passes).astype("Float64")
            known["costs"] = costs
        store.write(leaf, frame, inputs, time.perf_counter() - start, **known)


def announce(rankings: pd.DataFrame, loggers: Sequence["Logger"]) -> None:
    """Says in a sentence per metric who is ahead, and logs the values."""
    for (benchmark, target), part in rankings.groupby(["benchmark", "target_model"], sort=False):
        log.info("%s / %s: %s", benchmark, target, where_they_differ(part))
    for (benchmark, target, metric), part in rankings.groupby(["benchmark", "target_model", "metric"], sort=False):
        if part["direction"].iloc[0] != "none":
            log.info("%s / %s: %s", benchmark, target, sentence(part))
        values = zip(part["strategy"], part["value"].tolist(), strict=True)
        found = {f"rank/{strategy}/{metric}": value for strategy, value in values}
        for logger in loggers:
            logger.log_metrics(found)
