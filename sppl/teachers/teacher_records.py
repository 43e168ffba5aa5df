"""The records on disk of one strategy's requests to one teacher: answers, failed tries, batches."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sppl.artifacts.journal import Journal
from sppl.teachers.asking import TeacherRequest
from sppl.teachers.batch_journal import BatchJournal
from sppl.teachers.bill import Bill
from sppl.teachers.teacher import NONE, Cut, Decoding, NoAnswer, Reply, Teacher, Tokens


@dataclass(frozen=True)
class TeacherRecords:
    """Files beside each other; `path` is the one of the answers."""

    path: Path

    @cached_property
    def answers(self) -> Journal:
        """The journal of finished answers."""
        return Journal(self.path)

    @cached_property
    def tries(self) -> Journal:
        """The journal of failed tries."""
        return Journal(self.path.with_suffix(".tries"))

    @cached_property
    def batches(self) -> BatchJournal:
        """The journal of batches."""
        return BatchJournal.beside(self.answers)

    @property
    def failed(self) -> Path:
        """The file that lists the questions which the last command left without an answer."""
        return self.path.with_suffix(".failed.json")

    def arrived(self, request: TeacherRequest, decoding: Decoding, reply: Reply) -> None:
        """Records an answer."""
        self.answers.add(request.key, **_said(request, decoding, reply.tokens), text=reply.text, ended=reply.ended)

    def missed(self, request: TeacherRequest, decoding: Decoding, error: NoAnswer) -> None:
        """Records a failed try."""
        cut = {"cut": decoding.max_tokens} if isinstance(error, Cut) else {}
        self.tries.add(request.key, **_said(request, decoding, error.tokens), why=str(error), **cut)

    def of_batch(self, label: str) -> set[str]:
        """Returns the keys of a batch's requests whose outcome is recorded."""
        return {
            one["key"] for kind in (self.answers, self.tries) for one in kind.entries() if one.get("batch") == label
        }

    def cut(self) -> set[tuple[str, int]]:
        """Returns the key and limit of every answer that was cut off."""
        return {(one["key"], one["cut"]) for one in self.tries.entries() if "cut" in one}

    def usage(self, teacher: Teacher, keys: Collection[str]) -> Mapping[str, Any]:
        """Returns what these requests took, failed tries included."""
        bill = Bill(teacher.name, teacher.prices)
        for key, one in self.answers.read().items():
            if key in keys:
                bill.add(_tokens(one), batch="batch" in one)
        for one in self.tries.entries():
            if one["key"] in keys:
                bill.add(_tokens(one, NONE), one["why"], batch="batch" in one)
        return bill.usage()


def _said(request: TeacherRequest, decoding: Decoding, tokens: Tokens | None) -> dict[str, Any]:
    read, written = tokens or (None, None)
    which = {"question_id": request.question_id, "attempt": decoding.seed, "max_tokens": decoding.max_tokens}
    said = {**which, "input_tokens": read, "output_tokens": written}
    return said | ({"batch": request.batch} if request.batch else {})


def _tokens(entry: Mapping[str, Any], nothing: Tokens | None = None) -> Tokens | None:
    """The tokens of an entry; None where they are not known, for which old entries have zeros."""
    read, written = entry["input_tokens"], entry["output_tokens"]
    if read is None or written is None:
        return None
    return (read, written) if (read, written) != NONE else nothing
