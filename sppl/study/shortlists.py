"""Shortlists: the best strategies by a cheap metric, and which of them the pilots settled on."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sppl.analysis.outcomes import UNTRAINED
from sppl.analysis.policy import Policy
from sppl.analysis.settling import settle
from sppl.artifacts.once import once
from sppl.artifacts.provenance import canonical
from sppl.artifacts.store import ArtifactId, Store


@dataclass(frozen=True)
class Shortlist:
    """The first strategies of a ranking, the accuracies of their pilots, and the pick.

    Args:
        store: where it lies.
        ranking: the ranking that the shortlist is taken from.
        led: the metric's values, the best strategy first.
        results: names of the pilots' results.
        policy: how many strategies, and how their pilots were trained.
        metric: name of the metric that orders them.
    """

    store: Store
    ranking: ArtifactId
    led: pd.DataFrame
    results: tuple[str, ...]
    policy: Policy
    metric: str

    @once
    def id(self) -> ArtifactId:
        settings = {"policy": canonical(self.policy), "made_of": self.inputs()}
        return self.store.artifact_id("shortlists", *self.ranking.words[:2], self.metric, settings=settings)

    @property
    def exists(self) -> bool:
        return self.store.exists(self.id)

    @property
    def pick(self) -> str:
        """The strategy that the pilots settled on; the shortlist has to exist."""
        found = self.store.read(self.id)
        return str(found.loc[found["settled"], "strategy"].iloc[0])

    def inputs(self) -> dict[str, str]:
        return {name: self.store.digest(self.store.open(name)) for name in (self.ranking.name, *self.results)}

    def make(self) -> None:
        start, reached, short = time.perf_counter(), self._reached(), self.led.head(self.policy.k)
        names = short["strategy"].tolist()
        pick = settle(names, {str(name): value for name, value in reached.items()}, self.policy.k)
        frame = pd.DataFrame(
            {
                "strategy": names,
                "value": short["value"].astype(float).tolist(),
                "rank": short["rank"].astype(float).tolist(),
                "pilot": reached.loc[short["strategy"]].tolist(),
                "settled": [name == pick for name in names],
            }
        )
        said: dict[str, Any] = {"metric": self.metric, "of": len(self.led), "n_validation": self._facts[0]["rows"]}
        said |= vars(self.policy)
        said |= {"untrained": float(reached[UNTRAINED])} if UNTRAINED in reached else {}
        self.store.write(self.id, frame, self.inputs(), time.perf_counter() - start, **said)

    @once
    def _facts(self) -> list[Mapping[str, Any]]:
        return [self.store.provenance(self.store.open(name)) for name in self.results]

    def _reached(self) -> pd.Series:
        """The accuracy of every strategy's pilots, the mean over their seeds."""
        of = [self.store.open(name).words[2] for name in self.results]
        rows = pd.DataFrame({"strategy": of, "pilot": [float(fact["accuracy"]) for fact in self._facts]})
        return rows.groupby("strategy")["pilot"].mean()
