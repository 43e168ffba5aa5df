"""The settings that artifacts of a job share, and the interface of every kind of artifact."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from sppl.artifacts.provenance import fingerprint
from sppl.artifacts.store import ArtifactId, Store
from sppl.benchmarks.definition import Benchmark
from sppl.generation.answer import Generator
from sppl.generation.local import LocalGenerator
from sppl.hardware.hardware import Hardware
from sppl.models.target import TargetModel
from sppl.prompts import SelfAlignedPrompt
from sppl.scoring.scoring_settings import Scoring
from sppl.training.training_settings import Training


@dataclass(frozen=True)
class Study:
    """The benchmark and the target of a study, with the store, generator and hardware that its artifacts use.

    Args:
        store: keeps the artifacts.
        benchmark: the task that is fine-tuned for.
        target: the model that predicts, scores and is trained.
        generator: how the target answers; ignored where nothing is answered.
        hardware: what it runs on; part of no artifact's name.
    """

    store: Store
    benchmark: Benchmark
    target: TargetModel
    generator: Generator = field(default_factory=LocalGenerator)
    hardware: Hardware = field(default_factory=Hardware)

    @property
    def words(self) -> tuple[str, str]:
        """Benchmark and target: the words that the names of most artifacts begin with."""
        return self.benchmark.name, self.target.name

    @property
    def skipping(self) -> dict[str, str]:
        """The setting that too long questions may be left out, for names; empty where they are refused."""
        return {"overlong": self.benchmark.overlong} if self.benchmark.overlong != "refuse" else {}

    @property
    def target_source(self) -> dict[str, str]:
        """The target as one of the inputs of artifacts: its name and digest."""
        return {f"target model {self.target.name}": fingerprint(self.target.identity)}


@dataclass(frozen=True)
class Conditions:
    """How responses are scored.

    Args:
        prompt: the wording in which the target is shown its own answers.
        scorer: what is scored of a response, and what happens to one that is too long.
        n_predict: questions the target answers itself, at most.
        n_score: questions whose responses are scored.
    """

    prompt: SelfAlignedPrompt
    scorer: Scoring
    n_predict: int
    n_score: int


@dataclass(frozen=True)
class Fit:
    """How the target is trained on the responses of a strategy.

    Args:
        training: its settings.
        n_train: responses, or `all`.
        seed: of data order, initialisation and dropout.
        n_tokens: of these responses only the first that have no more tokens together; None: all.
    """

    training: Training
    n_train: int | str
    seed: int
    n_tokens: int | None = None


class Named(Protocol):
    """Something that has a name in the store."""

    @property
    def id(self) -> ArtifactId:
        """Its kind, name and schema, and the settings that the name was made of."""
        ...

    @property
    def exists(self) -> bool:
        """Whether it lies in the store."""
        ...


class Artifact(Named, Protocol):
    """One thing that is made and kept: a frozen dataclass whose fields say what it depends on."""

    def inputs(self) -> dict[str, str]:
        """Returns names and digests of the artifacts and sources it is made from."""
        ...

    def make(self) -> None:
        """Makes the missing artifact; its lock is held and its inputs exist."""
        ...


ArtifactType = TypeVar("ArtifactType", bound=Artifact)


@contextmanager
def lock_missing(store: Store, *artifacts: ArtifactType) -> Iterator[list[ArtifactType]]:
    """Holds the locks of the artifacts that are missing and yields these, as `Store.making` does."""
    with store.making(*(one.id for one in artifacts)) as missing:
        names = {one.name for one in missing}
        yield [one for one in artifacts if one.id.name in names]


def make_missing(store: Store, *artifacts: Artifact) -> None:
    """Makes the artifacts that are missing, while the locks of all are held."""
    with lock_missing(store, *artifacts) as missing:
        for one in missing:
            one.make()


def describe_origin(store: Store, artifact: Artifact | None) -> dict[str, str] | None:
    """Returns an artifact's name and digest: the name too, as different settings can lead to equal contents."""
    return {"leaf": artifact.id.name, "digest": store.digest(artifact.id)} if artifact else None
