"""Scores: one metric's value of every response of a strategy."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sppl.artifacts.code_identity import code_of
from sppl.artifacts.once import once
from sppl.artifacts.provenance import canonical
from sppl.artifacts.store import ArtifactId
from sppl.metrics.needs import Known, Metric, compares, table_needs
from sppl.study.study import Named, Study
from sppl.study.wanted_tables import Pieces


@dataclass(frozen=True)
class Measurement:
    """A metric with the tables it reads at once: those of one strategy, or of all if it compares strategies."""

    study: Study
    metric: Metric
    strategies: tuple[str, ...]
    pieces: Pieces

    @property
    def needs(self) -> tuple[Known, ...]:
        """The kinds of tables that the metric reads of every strategy."""
        return table_needs([self.metric])

    @once
    def values(self) -> tuple[pd.DataFrame, float]:
        """Returns the metric's value of every response, and the seconds per strategy that took."""
        start = time.perf_counter()
        tables = {
            need: pd.concat(
                [self._read(one).assign(strategy=name) for name in self.strategies for one in self.pieces[name, need]],
                ignore_index=True,
            )
            for need in self.needs
        }
        scores = self.metric.per_example(tables).astype({"value": "float64"})
        return scores, (time.perf_counter() - start) / len(self.strategies)

    def inputs(self) -> dict[str, str]:
        """Returns names and digests of all artifacts that are read."""
        return {
            one.id.name: self.study.store.digest(one.id)
            for name in self.strategies
            for need in self.needs
            for one in self.pieces[name, need]
        }

    def digests(self, strategy: str) -> list[str]:
        """Returns the digests of the artifacts that are read of one strategy."""
        return [self.study.store.digest(one.id) for need in self.needs for one in self.pieces[strategy, need]]

    def _read(self, one: Named) -> pd.DataFrame:
        """The table as metrics read it; of results, the test questions are the examples."""
        return self.study.store.read(one.id).rename(columns={"question_id": "example_id"})


@dataclass(frozen=True)
class Scores:
    """One metric's value of every response of one strategy."""

    of: Measurement
    strategy: str

    @once
    def id(self) -> ArtifactId:
        study, metric = self.of.study, self.of.metric
        digests: Any = self.of.digests(self.strategy)
        if compares(metric):
            digests = {name: self.of.digests(name) for name in sorted(self.of.strategies)}
        settings = {"metric": canonical(metric), "code": code_of(metric), "inputs": digests}
        return study.store.artifact_id("scores", *study.words, self.strategy, metric.name, settings=settings)

    @property
    def exists(self) -> bool:
        return self.of.study.store.exists(self.id)

    def inputs(self) -> dict[str, str]:
        return self.of.inputs()

    def make(self) -> None:
        (scores, seconds), (benchmark, target) = self.of.values, self.of.study.words
        frame = scores[scores["strategy"] == self.strategy]
        frame = frame.assign(benchmark=benchmark, target_model=target, metric=self.of.metric.name)
        self.of.study.store.write(self.id, frame, self.inputs(), seconds)


def scores_by(study: Study, metric: Metric, strategies: tuple[str, ...], pieces: Pieces) -> list[Scores]:
    """Returns the scores of the strategies by a metric."""
    if compares(metric):
        together = Measurement(study, metric, strategies, pieces)
        return [Scores(together, name) for name in strategies]
    return [Scores(Measurement(study, metric, (name,), pieces), name) for name in strategies]


def cost_of(study: Study, metric: Metric, pieces: Pieces) -> Mapping[str, float | None]:
    """Returns a metric's cost per response: forward passes over question and response (`passes`), and `seconds`.

    A pass that several metrics share counts for each. None where the tables were made before costs were kept.
    """
    by_pass = {need.one_pass: need for need in table_needs([metric])}  # two tables of one pass cost once
    facts = [
        need.cost(study.store, one.id)
        for (_, need), parts in pieces.items()
        if by_pass.get(need.one_pass) == need
        for one in parts
    ]
    if any("passes" not in fact for fact in facts):
        return {"passes": None, "seconds": None}
    responses = sum(fact["responses"] for fact in facts) / len(by_pass)
    return {
        "passes": round(sum(fact["passes"] * fact["responses"] for fact in facts) / responses, 4),
        "seconds": round(sum(fact["seconds"] for fact in facts) / responses, 6),
    }
