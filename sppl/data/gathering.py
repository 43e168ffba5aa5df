"""All that a user's files say, gathered file by file: questions, responses, problems, and what is not read."""

import logging
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from sppl.data.conversations import as_text
from sppl.data.formats import BadField, Entry, Format, entry
from sppl.data.gold import BadGold, gold
from sppl.data.problems import Problem, shorten
from sppl.data.reading import Contents, Record
from sppl.schemas import Conversation, Question, Split

log = logging.getLogger(__name__)

QUESTIONS: dict[str, Split] = {
    "questions": "train",
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}
"""Stems of files that hold questions, not a strategy's responses, and the split they are of."""
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+=@-]{0,119}")


def split_of(path: Path) -> Split | None:
    """The split whose questions a file holds; None for a strategy's file."""
    return QUESTIONS.get(path.stem.lower())


@dataclass(frozen=True)
class Asked:
    """A question, and where it was first read."""

    question: Question
    split: Split
    where: str


@dataclass
class Gathering:
    """Gathers entries and problems over all files; files of questions come first."""

    how: Format
    kind: str
    problems: list[Problem] = field(default_factory=list)
    asked: dict[str, Asked] = field(default_factory=dict)
    by_text: dict[str, str] = field(default_factory=dict)
    responses: dict[str, dict[str, str]] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)
    """Every field that some record has."""

    def file(self, contents: Contents) -> None:
        """Takes in a file, and says in the log what of it was not read."""
        path = contents.path
        self.problems += contents.problems
        split = split_of(path)
        lines: dict[tuple[str, str], int] = {}
        unread, settled = Counter[str](), Counter[str]()
        for line, record in contents.rows:
            self.fields.update(record)
            try:
                found = entry(record, self.how, answer_is_gold=split is not None)
                strategy = found.strategy or path.stem
                key = self._question(found, split, f"{path.name}, line {line}", record)
                if (strategy, key) in lines:
                    raise BadField("id", f"{shorten(key)} is there already, on line {lines[strategy, key]}")
                lines[strategy, key] = line
                if split is None:
                    self._response(found, strategy, key, record)
            except BadField as bad:
                self.problems.append(Problem(path.name, bad.why, line, field=bad.name))
                continue
            unread.update(found.unread)
            if self.kind == "none" and found.gold.strip():
                unread["gold answers, by benchmark.answer=none"] += 1
            settled.update(found.settled)
            if split is not None and found.response.strip():
                unread["a response (a file of this name holds questions only)"] += 1
        if unread:
            log.warning("%s: not read: %s", path.name, ", ".join(f"{name} ({n})" for name, n in unread.most_common()))
        for what, n in settled.items():
            log.warning("%s: in %d of %d records %s", path.name, n, len(contents.rows), what)

    def _question(self, found: Entry, split: Split | None, where: str, record: Record) -> str:
        text = found.question.strip()
        words = _words(found)
        key = found.id or self.by_text.get(words) or (sha256(words.encode()).hexdigest()[:12] if words else "")
        if not key:
            raise BadField("question", f"neither a question nor an id; {_seen(record)}")
        if found.split and found.split not in SPLITS:
            raise BadField("split", f"one of {', '.join(SPLITS)} is wanted, not {shorten(found.split)}")
        told = cast("Split | None", found.split or split)
        if key in self.asked:
            self.asked[key] = self._known(key, found, told)
            return key
        if not text:
            raise BadField("id", f"no question has the id {shorten(key)}")
        said = (key, text, self._gold(found, found.fields), found.solution, found.fields)
        question = (
            Conversation(*said, found.turns, self.how.turns == "all") if _several(found, self.how) else Question(*said)
        )
        self.asked[key] = Asked(question, told or "train", where)
        self.by_text.setdefault(words, key)
        return key

    def _known(self, key: str, found: Entry, split: Split | None) -> Asked:
        """The question that is known already, with what this record adds to it.

        Raises:
            BadField: the record says something else about it.
        """
        known = self.asked[key]
        question, where = known.question, known.where
        turns = question.turns if isinstance(question, Conversation) else found.turns
        if found.question.strip() not in ("", question.prompt) or (found.question.strip() and found.turns != turns):
            raise BadField("question", f"id {shorten(key)} asks something else in {where}")
        if split and split != known.split:
            raise BadField("split", f"a {split} question here, a {known.split} question in {where}")
        for name, value in found.fields.items():
            if question.fields.get(name, value) != value:
                raise BadField(name, f"{shorten(value)} here, {shorten(question.fields[name])} in {where}")
        fields = {**found.fields, **question.fields}
        if found.gold.strip() not in ("", question.answer) and self._gold(found, fields) != question.answer:
            raise BadField("gold_label", f"{shorten(found.gold)} here, {shorten(question.answer)} in {where}")
        if question.solution.strip() and found.solution.strip() not in ("", question.solution.strip()):
            raise BadField("solution", f"another one than in {where}")
        solution = question.solution or found.solution
        return replace(known, question=replace(question, solution=solution, fields=fields))

    def _gold(self, found: Entry, fields: Mapping[str, Any]) -> str:
        if self.kind == "none":
            return ""
        if not found.gold.strip():
            raise BadField(
                "gold_label",
                "no gold answer; it is what decides whether a response is right (benchmark.answer=none goes without)",
            )
        try:
            return gold(self.kind, found.gold, fields.get("options") or ())
        except BadGold as bad:
            raise BadField("gold_label", str(bad)) from None

    def _response(self, found: Entry, strategy: str, key: str, record: Record) -> None:
        if found.strategy and not NAME.fullmatch(strategy):
            raise BadField(
                "strategy",
                f"{shorten(strategy)} cannot name a strategy: letters a-z, digits and _ - . + = @ (120 at most)",
            )
        if not found.response.strip() and len(found.turns) > 1:
            raise BadField("response", f"the conversation ends with the {found.turns[-1]['role']}, not with an answer")
        if not found.response.strip():
            raise BadField("response", f"no response, or an empty one; {_seen(record)}")
        self.responses.setdefault(strategy, {})[key] = found.response


def _several(found: Entry, how: Format) -> bool:
    """Whether there is more than a question before the response, or several turns in it."""
    return how.turns == "all" or len(found.turns) > 1


def _words(found: Entry) -> str:
    """What a question is known by: its text, or all turns of which it is the last."""
    several = [
        turn for turn in found.turns if turn["role"] != "user" or turn["content"].strip() != found.question.strip()
    ]
    return as_text(found.turns) if several else found.question.strip()


def _seen(record: Record) -> str:
    return f"the record has the fields {shorten(', '.join(map(str, record)), 200)}"
