"""What the artifacts of a job have in common, and what every kind of artifact can be asked."""

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
    """Whose suitability for which target is studied, and where all that is made for it is kept.

    Args:
        store: where artifacts lie.
        benchmark: what is fine-tuned for.
        target: the model that predicts, scores and is trained.
        generator: how it answers; of no account where nothing is answered.
        hardware: what it runs on; of no account where nothing runs, and in no artifact's name.
    """

    store: Store
    benchmark: Benchmark
    target: TargetModel
    generator: Generator = field(default_factory=LocalGenerator)
    hardware: Hardware = field(default_factory=Hardware)

    @property
    def words(self) -> tuple[str, str]:
        """What the names of most artifacts begin with."""
        return self.benchmark.name, self.target.name

    @property
    def skipping(self) -> dict[str, str]:
        """Whether questions may have been left out; where none may, all were answered or there is no artifact."""
        return {"overlong": self.benchmark.overlong} if self.benchmark.overlong != "refuse" else {}

    @property
    def target_source(self) -> dict[str, str]:
        """The target as one of the sources that artifacts are made from."""
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
    """What has a name in the store."""

    @property
    def id(self) -> ArtifactId:
        """ArtifactType, name, schema, and the settings the name was made of."""
        ...

    @property
    def exists(self) -> bool:
        """Whether it lies in the store."""
        ...


class Artifact(Named, Protocol):
    """One thing that is made and kept; a frozen dataclass whose fields say of what."""

    def inputs(self) -> dict[str, str]:
        """Names and digests of the artifacts and sources it is made from."""
        ...

    def make(self) -> None:
        """Makes it, where it is missing and its lock is held; the inputs are there."""
        ...


ArtifactType = TypeVar("ArtifactType", bound=Artifact)


@contextmanager
def lock_missing(store: Store, *artifacts: ArtifactType) -> Iterator[list[ArtifactType]]:
    """Holds the locks of those that are missing and gives them, as `Store.making` does."""
    with store.making(*(one.id for one in artifacts)) as missing:
        names = {one.name for one in missing}
        yield [one for one in artifacts if one.id.name in names]


def make_missing(store: Store, *artifacts: Artifact) -> None:
    """Makes those that are missing, each in the lock of all."""
    with lock_missing(store, *artifacts) as missing:
        for one in missing:
            one.make()


def describe_origin(store: Store, artifact: Artifact | None) -> dict[str, str] | None:
    """What an artifact is, and how it came about: its name says that, and two ways can end in equal contents."""
    return {"leaf": artifact.id.name, "digest": store.digest(artifact.id)} if artifact else None
