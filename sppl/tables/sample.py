"""The sample of responses that tables are made of, and one table of one strategy as an artifact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from sppl.artifacts.once import once
from sppl.artifacts.provenance import fingerprint
from sppl.artifacts.store import ArtifactId, Store
from sppl.prompts import SelfAlignedPrompt
from sppl.schemas import Question, question_wording

if TYPE_CHECKING:
    from sppl.hardware.hardware import Hardware
    from sppl.models.target import TargetModel
    from sppl.scoring.pool import Pool
    from sppl.scoring.scoring_settings import Scoring
    from sppl.tables.kind import Table

Examples = Sequence[tuple[Question, str]]


@dataclass(frozen=True)
class Sample:
    """Responses of several strategies to the same questions, and how they are read.

    Args:
        store: keeps the tables.
        benchmark: the benchmark's name.
        target: the model that reads.
        examples: per strategy every question with its response.
        pool: the target's own answers, which some contexts show.
        prompt: the wording in which own answers are shown.
        scorer: what is scored of a response, and what happens to one that is too long.
        hardware: the devices that do the work.
        compared: the strategies that are ranked, if others are scored as well; none: all are.
        inputs: per strategy names and digests of the artifacts its responses were read from.
        start: the place of the first question in the benchmark.
    """

    store: Store
    benchmark: str
    target: "TargetModel"
    examples: Mapping[str, Examples]
    pool: "Pool"
    prompt: SelfAlignedPrompt
    scorer: "Scoring"
    hardware: "Hardware"
    compared: tuple[str, ...] = ()
    inputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    start: int = 0

    def between(self, start: int, stop: int | None) -> "Sample":
        """Returns the sample of only the questions `start` to `stop`."""
        examples = {name: pairs[start:stop] for name, pairs in self.examples.items()}
        return replace(self, examples=examples, start=self.start + start)

    def shown(self, strategy: str) -> str:
        """Returns a digest of the questions' ids and wording and of a strategy's responses."""
        pairs = self.examples[strategy]
        return fingerprint([[question.id, question_wording(question), text] for question, text in pairs])

    def read_by_target(self, strategy: str) -> dict[str, Any]:
        """Returns what everything that the target reads depends on: the target, the responses, and their parts.

        Where prompts are cut alike for all strategies, it depends on the responses of all of them.
        """
        settings = {"target": self.target.identity, "examples": self.shown(strategy), "end": self.scorer.end}
        if self.scorer.overlong != "error":
            settings["overlong"] = self.scorer.overlong
        if self.scorer.overlong == "truncate_left":
            beside = [self.examples[name] for name in self.compared or self.examples]
            every = {(question.id, text) for pairs in (*beside, self.examples[strategy]) for question, text in pairs}
            settings["beside"] = fingerprint(sorted(every))
        return settings

    def target_source(self) -> dict[str, str]:
        """Returns the target as one of the inputs of tables: its name and digest."""
        return {f"target model {self.target.name}": fingerprint(self.target.identity)}


@dataclass(frozen=True)
class TableOf:
    """One kind of table of one strategy's responses: an artifact."""

    sample: Sample
    strategy: str
    need: "Table"

    @property
    def key(self) -> tuple[str, "Table"]:
        """The strategy and the kind of table."""
        return self.strategy, self.need

    @once
    def id(self) -> ArtifactId:
        need, sample = self.need, self.sample
        words, settings = need.words(sample, self.strategy), need.settings(sample, self.strategy)
        return sample.store.artifact_id(need.kind, sample.benchmark, *words, settings=settings, schema=need.schema)

    @property
    def exists(self) -> bool:
        return self.sample.store.exists(self.id)

    def inputs(self) -> dict[str, str]:
        return {**self.sample.inputs.get(self.strategy, {}), **self.need.sources(self.sample)}

    def make(self) -> None:
        self.need.make(self.sample, [self])

    def read(self) -> pd.DataFrame:
        """Returns the table with a column `strategy`, as metrics read it."""
        return self.sample.store.read(self.id).assign(strategy=self.strategy)

    def write(self, frame: pd.DataFrame, seconds: float, **facts: Any) -> None:
        """Writes the table to the store.

        Args:
            frame: the table, without its strategy.
            seconds: what making it took.
            facts: for the provenance; `responses`, `tokens` that were read, and `passes` (forward passes over question
                and response, per response) are what a metric costs that reads it.
        """
        self.sample.store.write(self.id, frame, self.inputs(), seconds, **facts)


def make_tables(tables: Sequence[TableOf]) -> None:
    """Makes the tables that are missing, all of one kind at once; the caller holds their locks."""
    for own in _by_kind(tables):
        own[0].need.make(own[0].sample, own)


def check_tables(tables: Sequence[TableOf]) -> None:
    """Refuses responses that cannot be read, before any work."""
    for own in _by_kind(tables):
        own[0].need.check(own[0].sample, own)


def _by_kind(tables: Sequence[TableOf]) -> list[list[TableOf]]:
    kinds = dict.fromkeys(type(one.need) for one in tables)
    return [[one for one in tables if type(one.need) is kind] for kind in kinds]
