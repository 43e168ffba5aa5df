"""Reads questions from a data set on the hub, streamed row by row."""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from sppl.bounds import Count, fits
from sppl.data.class_labels import class_names, with_names
from sppl.data.contents import Contents
from sppl.data.wording import MissingField, Wording, look_up
from sppl.schemas import Question, Split, UserError

log = logging.getLogger(__name__)

SLICE = re.compile(r"(\w+)(?:\[(\d*):(\d*)\])?")


@dataclass(frozen=True)
class HubQuestions:
    """The questions of a hub data set; nothing is downloaded before they are asked for.

    Args:
        path: the hub id.
        wording: how a record becomes a question.
        subset: the data set's configuration, where it has several.
        revision: branch, tag or commit.
        slices: our splits as slices of the data set's, e.g. `{"train": "train[:1000]", "test": "test"}`, counted after
            `where` and `gold` are applied.
        paper: what `splits=paper` says otherwise: the authors' overlapping validation.
        splits: `disjoint` or `paper`.
        where: fields and the value they must have.
        gold: a pattern the gold answer must match; other records are left out and counted in the log.
    """

    path: str
    wording: Wording
    slices: Mapping[str, str]
    subset: str | None = None
    revision: str = "main"
    paper: Mapping[str, str] = field(default_factory=dict)
    splits: Literal["disjoint", "paper"] = "disjoint"
    where: Mapping[str, str] = field(default_factory=dict)
    gold: str = ""

    def questions(self, split: Split, n: int | None = None) -> list[Question]:
        """Returns the first `n` questions of a split in the data set's order.

        Raises:
            UserError: the hub cannot be reached, the split is not there, or a record lacks a field.
        """
        slices = {**self.slices, **(self.paper if self.splits == "paper" else {})}
        if split not in slices:
            raise UserError(f"{self.path} has no {split} questions here; it has {', '.join(slices)}")
        parts = SLICE.fullmatch(slices[split])
        if parts is None:
            raise UserError(f"{slices[split]!r} is no slice; write NAME or NAME[FROM:TO]")
        start, end = int(parts[2] or 0), int(parts[3]) if parts[3] else None
        if n is not None:
            end = start + n if end is None else min(end, start + n)
        return list(islice(self._asked(parts[1]), start, end))

    def _asked(self, name: str) -> Iterator[Question]:
        seen: set[str] = set()
        left_out = 0
        for at, record in enumerate(self._records(name)):
            if any(str(look_up(record, key)) != value for key, value in self.where.items()):
                continue
            try:
                question = self.wording.read(record)
            except MissingField as missing:
                if self.gold and missing.name == self.wording.answer:
                    left_out += 1
                    continue
                raise UserError(f"{self.path}, {name}, row {at}, field `{missing.name}`: {missing.why}") from None
            if question.id in seen or (self.gold and not re.fullmatch(self.gold, question.answer)):
                left_out += 1
                continue
            seen.add(question.id)
            yield question
        if left_out:
            log.info(
                "%s, %s: %d records left out (asked twice, or another kind of gold answer)", self.path, name, left_out
            )

    def _records(self, name: str) -> Iterator[Mapping[str, Any]]:
        return stream_rows(self.path, self.subset, self.revision, name)


@lru_cache(maxsize=4)
def read_hub(path: str, settings: tuple[tuple[str, str | int | None], ...]) -> tuple[Contents, ...]:
    """Returns the rows of a hub data set as if they were files: the responses, then questions per further split.

    Args:
        path: the hub id; its last word, dots as underscores, names the strategy where no column does.
        settings: `subset`, `revision`, `rows` (read at most, of each split) and its splits for our `train` (the
            responses), `validation` and `test`.

    Raises:
        UserError: it cannot be read.
    """
    said = dict(settings)
    own, most = Path(path).name.replace(".", "_"), said["rows"]
    if not isinstance(most, int) or not fits(most, Count):
        raise UserError(f"benchmark.questions.hub.rows={most}: the rows that are read are a whole number above 0")
    found = []
    for split in ("train", "validation", "test"):
        if not said.get(split):
            continue
        subset = None if said.get("subset") is None else str(said["subset"])
        rows = stream_rows(path, subset, str(said["revision"]), str(said[split]), named=True)
        records = tuple(enumerate(map(dict, islice(rows, most + 1)), start=1))
        if len(records) > most:
            log.warning(
                "%s, %s: the first %d rows were read; more: benchmark.questions.hub.rows=N", path, said[split], most
            )
        found.append(Contents(Path(own if split == "train" else split), records[:most], ()))
    return tuple(found)


def stream_rows(
    path: str, subset: str | None, revision: str, split: str, *, named: bool = False
) -> Iterator[Mapping[str, Any]]:
    """Yields the rows of a split of a hub data set, or of a local folder of data files.

    Args:
        named: whether class labels come as the words they stand for, not as numbers.

    Raises:
        UserError: it cannot be read; the message says why, and what else there is.
    """
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.errors import HfHubHTTPError

    try:
        rows = load_dataset(path, subset, split=split, revision=revision, streaming=True)
        names = class_names(rows.features.to_dict()) if named and rows.features else {}
        for row in rows:
            yield with_names(row, names)
    except (OSError, ValueError, RuntimeError, DatasetNotFoundError, HfHubHTTPError) as error:
        # no network is an OSError; a data set that is a script to run, which `datasets` never does, a RuntimeError
        reason = " ".join(str(error).split())[:300]
        raise UserError(
            f"{path} ({subset or 'default'}, {revision}, {split}) cannot be read from the hub: "
            f"{reason}. Without network use another source: benchmark.source=upstream data_dir=CHECKOUT, or "
            "benchmark=local"
        ) from error
