"""A store that keeps what the stages make in memory."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from hashlib import sha256
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from sppl.artifacts.provenance import canonical
from sppl.artifacts.store import ArtifactId, MissingArtifact, Store
from sppl.schemas import validate


@contextmanager
def memory_store() -> Iterator["MemoryStore"]:
    """Yields a store in memory; the scorer's unfinished work goes into a temporary folder, which is removed."""
    with TemporaryDirectory() as folder:
        yield MemoryStore(folder)


@dataclass(frozen=True)
class MemoryStore(Store):
    """A store of tables by name, with their provenance."""

    kept: dict[str, tuple[ArtifactId, pd.DataFrame, dict[str, Any]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def open(self, name: str) -> ArtifactId:
        if name not in self.kept:
            raise MissingArtifact(f"{name} was not made")
        return self.kept[name][0]

    def holds(self, name: str) -> bool:
        return name in self.kept

    def exists(self, artifact: ArtifactId) -> bool:
        return artifact.name in self.kept

    def artifacts(self, kind: str, *words: str) -> list[ArtifactId]:
        found = [
            artifact for artifact, _, _ in self.kept.values() if artifact.kind == kind and artifact.words[:-1] == words
        ]
        return sorted(found, key=lambda artifact: artifact.name)

    def provenance(self, artifact: ArtifactId) -> dict[str, Any]:
        return self.kept[self.open(artifact.name).name][2]

    def unchecked(self, artifact: ArtifactId) -> pd.DataFrame:
        return self.kept[self.open(artifact.name).name][1].copy()

    def write(
        self, artifact: ArtifactId, frame: pd.DataFrame, inputs: Mapping[str, str], seconds: float, **notes: Any
    ) -> None:
        frame = validate(frame.reset_index(drop=True), artifact.kind, artifact.name, artifact.schema)
        digest = sha256(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()).hexdigest()[:16]
        facts = {
            "leaf": artifact.name,
            "digest": digest,
            "settings": canonical(artifact.settings),
            "inputs": dict(inputs),
        }
        self.kept[artifact.name] = artifact, frame, facts | {"seconds": seconds, "rows": len(frame), **notes}

    def lock(self, kind: str, *words: str) -> AbstractContextManager[None]:
        return nullcontext()

    def making(self, *artifacts: ArtifactId) -> AbstractContextManager[list[ArtifactId]]:
        return nullcontext([artifact for artifact in artifacts if not self.exists(artifact)])
