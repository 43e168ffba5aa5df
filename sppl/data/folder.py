"""What a folder of a user's own files says, checked as a whole: every question, every response, every problem."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import cast

from sppl.data.formats import KNOWN, BadField, Entry, entry
from sppl.data.hub import contents
from sppl.data.problems import Problem, names, refuse, shorten
from sppl.data.reading import READERS, Contents, Record, read
from sppl.schemas import Question, Split, UserError

log = logging.getLogger(__name__)

QUESTIONS: dict[str, Split] = {"questions": "train", "train": "train", "validation": "validation", "test": "test"}
"""Stems of files that hold questions, not a strategy's responses, and the split they are of."""
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
HUB = "hub:"
"""What stands before a hub id in the place of a folder."""
Hub = Mapping[str, str | int | None]
"""`subset`, `revision`, `rows`, and the splits for `train`, `validation` and `test`; unused for a folder."""
NAME = re.compile(r"[A-Za-z0-9][\w.+=@-]*")
ADVICE = (
    f"Formats read as they are: {KNOWN}. Other field names are mapped, e.g. "
    "'benchmark.questions.fields={question: task, response: reply, gold: label}'"
)


@dataclass(frozen=True)
class Task:
    """What a folder holds: questions by split, and responses by strategy and question id."""

    questions: Mapping[str, tuple[Question, ...]]
    responses: Mapping[str, Mapping[str, str]]


@dataclass
class _Reader:
    """Gathers entries and problems over all files."""

    names: Mapping[str, str]
    kind: str
    problems: list[Problem] = field(default_factory=list)
    asked: dict[str, tuple[Question, Split, str]] = field(default_factory=dict)
    by_text: dict[str, str] = field(default_factory=dict)
    responses: dict[str, dict[str, str]] = field(default_factory=dict)

    def file(self, contents: Contents) -> None:
        path = contents.path
        self.problems += contents.problems
        split = QUESTIONS.get(path.stem)
        lines: dict[tuple[str, str], int] = {}
        for line, record in contents.rows:
            try:
                found = entry(record, self.names, answer_is_gold=split is not None)
                strategy = found.strategy or path.stem
                key = self._question(found, split, path, line, record)
                if (strategy, key) in lines:
                    raise BadField("id", f"{shorten(key)} is there already, on line {lines[strategy, key]}")
                lines[strategy, key] = line
                if split is None:
                    self._response(found, strategy, key, record)
            except BadField as bad:
                self.problems.append(Problem(path.name, bad.why, line, field=bad.name))

    def _question(self, found: Entry, split: Split | None, path: Path, line: int, record: Record) -> str:
        text = found.question.strip()
        key = found.id or self.by_text.get(text) or (sha256(text.encode()).hexdigest()[:12] if text else "")
        if not key:
            raise BadField("question", f"neither a question nor an id; {_seen(record)}")
        if found.split and found.split not in SPLITS:
            raise BadField("split", f"one of {', '.join(SPLITS)} is wanted, not {shorten(found.split)}")
        if key in self.asked:
            known, _, where = self.asked[key]
            if text and text != known.prompt:
                raise BadField("question", f"id {shorten(key)} asks something else in {where}")
            if found.gold and found.gold.strip() != known.answer and self._gold(found) != known.answer:
                raise BadField("gold_label", f"{shorten(found.gold)} here, {shorten(known.answer)} in {where}")
            return key
        if not text:
            raise BadField("id", f"no question has the id {shorten(key)}")
        question = Question(key, text, self._gold(found), found.solution, found.fields)
        self.asked[key] = (question, cast("Split", found.split or split or "train"), f"{path.name}, line {line}")
        self.by_text.setdefault(text, key)
        return key

    def _gold(self, found: Entry) -> str:
        gold, options = found.gold.strip(), list(found.fields.get("options") or ())
        if not gold:
            raise BadField("gold_label", "no gold answer; it is what decides whether a response is right")
        if self.kind == "number" and not any(character.isdigit() for character in gold):
            raise BadField("gold_label", f"{shorten(gold)} is no number (benchmark.answer=number)")
        if self.kind == "choice":
            labels = ("ABCDEFGHIJ" if not gold.isdigit() else "123456789")[: len(options) or None]
            if gold in options:
                return "ABCDEFGHIJ"[options.index(gold)]
            if len(gold) != 1 or gold.upper() not in labels:
                raise BadField("gold_label", f"{shorten(gold)} is no label of {labels} (benchmark.answer=choice)")
            return gold.upper()
        return gold

    def _response(self, found: Entry, strategy: str, key: str, record: Record) -> None:
        if found.strategy and not NAME.fullmatch(strategy):
            raise BadField("strategy", f"{shorten(strategy)} cannot name a strategy: letters, digits and _ - . + = @")
        if not found.response.strip():
            raise BadField("response", f"no response, or an empty one; {_seen(record)}")
        self.responses.setdefault(strategy, {})[key] = found.response


def _seen(record: Record) -> str:
    return f"the record has the fields {shorten(', '.join(map(str, record)), 200)}"


def load(folder: str | None, names_: Mapping[str, str], kind: str, hub: Hub) -> Task:
    """Everything a folder (or one file, or a hub data set, with a `strategy` field) says.

    Raises:
        UserError: anything is wrong with any file; every problem in one report.
    """
    paths = () if _on_hub(folder) else files(folder)
    state = tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
    return _load(folder, state, tuple(sorted(hub.items())), tuple(sorted(names_.items())), kind)


def contents_of(folder: str | None, hub: Hub) -> Sequence[Contents]:
    """What each file of a folder holds, those with questions first; or each split of a hub data set.

    Raises:
        UserError: no folder is given, it does not exist or holds no file of a known format; the hub cannot be read.
    """
    if _on_hub(folder):
        return contents(str(folder).removeprefix(HUB), tuple(sorted(hub.items())))
    return [read(path) for path in files(folder)]


def _on_hub(folder: str | None) -> bool:
    return folder is not None and folder.startswith(HUB)


def files(folder: str | None) -> list[Path]:
    """The data files of a folder, those with questions first.

    Raises:
        UserError: no folder is given, it does not exist, or it holds no file of a known format.
    """
    if folder is None:
        raise UserError("benchmark=local needs a folder with your files: data_dir=FOLDER (one .jsonl per strategy)")
    root = Path(folder)
    if not root.exists():
        raise UserError(f"data_dir={folder}: no such folder; it should hold one .jsonl file per strategy")
    found = [root] if root.is_file() else [path for path in root.iterdir() if path.suffix.lower() in READERS]
    if not found:
        raise UserError(f"data_dir={folder} has no data file ({', '.join(READERS)}); it has {names(root.iterdir())}")
    return sorted(found, key=lambda path: (path.stem not in QUESTIONS, path.name))


@lru_cache(maxsize=8)
def _load(
    folder: str | None,
    _state: tuple[tuple[Path, int, int], ...],  # changed files are another entry of the cache
    hub: tuple[tuple[str, str | int | None], ...],
    pairs: tuple[tuple[str, str], ...],
    kind: str,
) -> Task:
    reader, everything = _Reader(dict(pairs), kind), contents_of(folder, dict(hub))
    for one in everything:
        if one.path.stem not in QUESTIONS and not NAME.fullmatch(one.path.stem):
            what = "its name becomes a strategy's: use letters, digits and _ - . + = @, no space"
            reader.problems.append(Problem(one.path.name, what))
        if sum(other.path.stem == one.path.stem for other in everything) > 1:
            reader.problems.append(Problem(one.path.name, f"several files are named {one.path.stem}"))
        reader.file(one)
    refuse(reader.problems, ADVICE)
    return Task(_by_split(reader), {name: reader.responses[name] for name in sorted(reader.responses)})


def _by_split(reader: _Reader) -> dict[str, tuple[Question, ...]]:
    found: dict[str, tuple[Question, ...]] = {
        split: tuple(question for question, of, _ in reader.asked.values() if of == split) for split in SPLITS
    }
    sets = reader.responses.values()
    shared = tuple(question for question in found["train"] if all(question.id in one for one in sets))
    if len(shared) < len(found["train"]):
        counts = ", ".join(f"{name} {len(one)}" for name, one in sorted(reader.responses.items()))
        gone = [question.id for question in found["train"] if question not in shared]
        log.warning(
            "%d of %d training questions have a response of every strategy (%s); left out: %s",
            len(shared), len(found["train"]), counts, ", ".join(gone[:10]) + (" ..." if len(gone) > 10 else ""),
        )  # fmt: skip
    return found | {"train": shared}
