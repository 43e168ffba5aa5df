"""The artifact of a ranking: the order of strategies by every metric, made of scores."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sppl.analysis.agreement import where_they_differ
from sppl.analysis.race_ranking import rank_raced
from sppl.analysis.ranking import rank, sentence
from sppl.analysis.resampling import RankedMetric
from sppl.artifacts.once import once
from sppl.artifacts.store import ArtifactId, Store
from sppl.study.loggers import Loggers

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ranking:
    """The order of strategies by every metric, and how far it can be trusted.

    Args:
        store: where it lies.
        words: names of benchmark and target.
        strategies: names of those that are ranked.
        metrics: the metrics they are ranked by.
        parents: names and digests of the scores.
        scores: returns all scores as one table; called when they are ranked.
        facts: columns with the same value in every row.
        said: who wrote the responses (`teachers`: per strategy, the column `teacher`), the folders of the store where
            they lie (`responses`), and the rule by which they were judged (`judge`), for reports.
        flags: metric name -> a remark on its values, for the columns `note` and `flag`.
        costs: metric name -> `passes` and `seconds` per response; the first becomes the column `cost`, both are kept in
            the provenance.
        race: the decisions of the race that dropped some of the strategies, if there was one.
    """

    store: Store
    words: tuple[str, str]
    strategies: Sequence[str]
    metrics: Sequence[RankedMetric]
    parents: Mapping[str, str]
    scores: Callable[[], pd.DataFrame]
    facts: Mapping[str, Any]
    said: Mapping[str, Any] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    costs: Mapping[str, Mapping[str, float | None]] | None = None
    race: ArtifactId | None = None

    @once
    def id(self) -> ArtifactId:
        settings: dict[str, Any] = {"scores": sorted(self.parents.values()), "strategies": sorted(self.strategies)}
        if self.race:
            settings["race"] = self.store.digest(self.race)
        if self.flags:
            settings["flags"] = dict(self.flags)
        if self.said:
            settings["said"] = {**self.facts, **self.said}
        return self.store.artifact_id("rankings", *self.words, f"{len(self.strategies)}_strategies", settings=settings)

    @property
    def exists(self) -> bool:
        return self.store.exists(self.id)

    def inputs(self) -> dict[str, str]:
        raced = {self.race.name: self.store.digest(self.race)} if self.race else {}
        return {**self.parents, **raced}

    def make(self) -> None:
        start, scores = time.perf_counter(), self.scores()
        kept: dict[str, object] = {key: value for key, value in self.said.items() if key in ("responses", "judge")}
        if self.race:
            how = self.store.provenance(self.race)
            frame = rank_raced(
                scores, self.metrics, self.store.read(self.race), leading=how["metric"], n_questions=how["n_questions"]
            )
            kept["race"] = self.race.name
        else:
            frame = rank(scores, self.metrics)
        frame = frame.assign(**self.facts)
        if self.said:
            frame["teacher"] = frame["strategy"].map(self.said["teachers"])
        flags = [self.flags.get(metric, "") for metric in frame["metric"]]
        frame["note"] = ["; ".join(filter(None, pair)) for pair in zip(frame["note"], flags, strict=True)]
        if any(flags):
            frame["flag"] = flags
        if self.costs is not None:
            passes = {metric: cost["passes"] for metric, cost in self.costs.items()}
            frame["cost"] = frame["metric"].map(passes).astype("Float64")
            kept["costs"] = self.costs
        self.store.write(self.id, frame, self.inputs(), time.perf_counter() - start, **kept)


def announce(rankings: pd.DataFrame, loggers: Loggers) -> None:
    """Logs a sentence per metric that says who is ahead, and the values."""
    for (benchmark, target), part in rankings.groupby(["benchmark", "target_model"], sort=False):
        log.info("%s / %s: %s", benchmark, target, where_they_differ(part))
    for (benchmark, target, metric), part in rankings.groupby(["benchmark", "target_model", "metric"], sort=False):
        if part["direction"].iloc[0] != "none":
            log.info("%s / %s: %s", benchmark, target, sentence(part))
        values = zip(part["strategy"], part["value"].tolist(), strict=True)
        alone = part["strategy"].nunique() == 1  # else only the strategy tells the values of this one run apart
        found = {f"rank/{metric}" if alone else f"rank/{strategy}/{metric}": value for strategy, value in values}
        for logger in loggers():
            logger.log_metrics(found)
