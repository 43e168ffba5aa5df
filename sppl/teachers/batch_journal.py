"""Records one strategy's batches on disk before they are created, so that none is forgotten or bought twice."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sppl.artifacts.journal import Journal
from sppl.teachers.asking import TeacherRequest
from sppl.teachers.teacher import Decoding, Tokens


@dataclass(frozen=True)
class PlacedRequest:
    """One request of a batch; `most` are the tokens it may take at most."""

    request: TeacherRequest
    decoding: Decoding
    most: Tokens


@dataclass(frozen=True)
class OpenBatch:
    """A batch whose results are not all on disk.

    Args:
        label: our label; custom ids are the label and the request's place.
        since: when it was about to be created.
        id: the provider's; None where the process was killed before it learnt it, so that there may be no batch.
    """

    label: str
    since: datetime
    requests: Sequence[PlacedRequest]
    id: str | None

    def custom_id(self, place: int) -> str:
        """Returns the name of the request at a place."""
        return f"{self.label}-{place}"


@dataclass(frozen=True)
class BatchJournal:
    """An append-only file beside a strategy's answers: batches about to be created, their ids, their ends."""

    journal: Journal

    @classmethod
    def beside(cls, answers: Journal) -> "BatchJournal":
        """Returns the journal of batches for the answers in another journal."""
        return cls(Journal(answers.path.with_suffix(".batches")))

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self.journal.path

    def plan(self, label: str, requests: Sequence[PlacedRequest]) -> OpenBatch:
        """Records a batch that is about to be created."""
        since = datetime.now(UTC)
        rows = [
            {
                "key": one.request.key, "question_id": one.request.question_id, "attempt": one.decoding.seed,
                "temperature": one.decoding.temperature, "max_tokens": one.decoding.max_tokens, "most": list(one.most),
            }
            for one in requests
        ]  # fmt: skip
        self.journal.add(label, since=since.isoformat(), requests=rows)
        return OpenBatch(label, since, requests, None)

    def created(self, label: str, id_: str) -> None:
        """Records the provider's id of a batch."""
        self.journal.add(label, id=id_)

    def close(self, label: str, why: str) -> None:
        """Records that a batch is finished: its results are on disk, or it was never created."""
        self.journal.add(label, ended=why)

    def open(self, keys: Collection[str]) -> list[OpenBatch]:
        """Returns the open batches that hold any of the requests, in the order they were made."""
        merged: dict[str, dict[str, Any]] = {}
        for one in self.journal.entries():
            merged.setdefault(one["key"], {}).update(one)
        return [
            OpenBatch(label, datetime.fromisoformat(one["since"]), list(map(_placed, one["requests"])), one.get("id"))
            for label, one in merged.items()
            if "requests" in one and "ended" not in one and any(row["key"] in keys for row in one["requests"])
        ]  # fmt: skip

    def known(self) -> set[str]:
        """Returns the ids of all batches of this folder, also of other strategies, as other processes write them."""
        lines = [
            line for file in self.path.parent.glob(f"*{self.path.suffix}") for line in file.read_text().split("\n")
        ]
        return {json.loads(line)["id"] for line in lines if line.endswith("}") and '"id"' in line}


def _placed(row: dict[str, Any]) -> PlacedRequest:
    decoding = Decoding(row["temperature"], row["max_tokens"], row["attempt"])
    request = TeacherRequest(row["key"], (), decoding, (row["max_tokens"],), row["question_id"])
    return PlacedRequest(request, decoding, tuple(row["most"]))
