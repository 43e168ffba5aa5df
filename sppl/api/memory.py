"""A store that keeps what the stages make in memory, for as long as it is wanted."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from hashlib import sha256
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from sppl.artifacts.provenance import canonical
from sppl.artifacts.store import Leaf, MissingArtefact, Store
from sppl.schemas import validate


@contextmanager
def memory_store() -> Iterator["MemoryStore"]:
    """A store in memory; a temporary folder takes what the scorer keeps of work under way, and is removed."""
    with TemporaryDirectory() as folder:
        yield MemoryStore(folder)


@dataclass(frozen=True)
class MemoryStore(Store):
    """Tables by name, with the facts that a file would say beside them."""

    kept: dict[str, tuple[Leaf, pd.DataFrame, dict[str, Any]]] = field(default_factory=dict, repr=False, compare=False)

    def open(self, name: str) -> Leaf:
        if name not in self.kept:
            raise MissingArtefact(f"{name} was not made")
        return self.kept[name][0]

    def holds(self, name: str) -> bool:
        return name in self.kept

    def exists(self, leaf: Leaf) -> bool:
        return leaf.name in self.kept

    def leaves(self, kind: str, *words: str) -> list[Leaf]:
        found = [leaf for leaf, _, _ in self.kept.values() if leaf.kind == kind and leaf.words[:-1] == words]
        return sorted(found, key=lambda leaf: leaf.name)

    def provenance(self, leaf: Leaf) -> dict[str, Any]:
        return self.kept[self.open(leaf.name).name][2]

    def unchecked(self, leaf: Leaf) -> pd.DataFrame:
        return self.kept[self.open(leaf.name).name][1].copy()

    def write(self, leaf: Leaf, frame: pd.DataFrame, inputs: Mapping[str, str], seconds: float, **notes: Any) -> None:
        frame = validate(frame.reset_index(drop=True), leaf.kind, leaf.name, leaf.schema)
        digest = sha256(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()).hexdigest()[:16]
        facts = {"leaf": leaf.name, "digest": digest, "settings": canonical(leaf.settings), "inputs": dict(inputs)}
        self.kept[leaf.name] = leaf, frame, facts | {"seconds": seconds, "rows": len(frame), **notes}

    def lock(self, kind: str, *words: str) -> AbstractContextManager[None]:
        return nullcontext()

    def making(self, *leaves: Leaf) -> AbstractContextManager[list[Leaf]]:
        return nullcontext([leaf for leaf in leaves if not self.exists(leaf)])
