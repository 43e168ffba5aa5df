"""Gathers the questions, responses and problems of a user's files, file by file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from sppl.data.contents import Contents, Record
from sppl.data.conversations import write_turns
from sppl.data.formats import CHATS, PREPEND, QUESTION, RESPONSE, BadField, Entry, Format, describe_shape, read_entry
from sppl.data.gold import BadGold, read_gold
from sppl.data.problems import Problem, shorten
from sppl.data.tally import EMPTY, SYSTEM, TWICE, Tally
from sppl.schemas import Conversation, Question, Split

QUESTIONS: dict[str, Split] = {
    "questions": "train",
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}
"""Stems of files that hold questions and no strategy's responses, with their split."""
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
DROP = "benchmark.questions.empties=drop"
NO_GOLD = "no gold answer; it is what decides whether a response is right (benchmark.answer=none goes without)"
LENIENT = {"system": "drop", "history": "drop", "turns": "last"}
"""How a record is read on after a setting has refused it, to find its other problems."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+=@-]{0,119}")


def split_of(path: Path) -> Split | None:
    """Returns the split whose questions a file holds; None for a strategy's file."""
    return QUESTIONS.get(path.stem.lower())


@dataclass(frozen=True)
class KnownQuestion:
    """A question, and where it was first read."""

    question: Question
    split: Split
    where: tuple[str, int]
    """File and line."""


@dataclass
class Gathering:
    """Gathers entries and problems over all files; files of questions come first, `finish` last."""

    how: Format
    kind: str
    problems: list[Problem] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)
    asked: dict[str, KnownQuestion] = field(default_factory=dict)
    by_text: dict[str, str] = field(default_factory=dict)
    responses: dict[str, dict[str, str]] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)
    """All fields that any record has."""
    emptied: set[str] = field(default_factory=set)
    """Ids in a file of questions that have no question."""
    without_gold: list[str] = field(default_factory=list)
    """Ids of questions that were left out because nothing gives their gold answer."""

    def file(self, contents: Contents) -> None:
        """Adds the records of a file."""
        path, split = contents.path, split_of(contents.path)
        self.problems += contents.problems
        shapes = {describe_shape(record, self.how) for _, record in contents.rows}
        tally = Tally(path, " or ".join(sorted(shapes)[:2]), split, len(contents.rows))
        self.tallies.append(tally)
        lines: dict[tuple[str, str], int] = {}
        gaps: list[Problem] = []
        for line, record in contents.rows:
            self.fields.update(record)
            try:
                found = self._entry(record, tally, line)
                strategy = found.strategy or path.stem
                key = self._question(found, split, (path.name, line), record)
                if split is None:
                    self._check_response(found, strategy, record)
                if (strategy, key) in lines:
                    self._again(found, strategy, key, lines[strategy, key])
                    tally.kinds[TWICE] += 1
                    tally.left_out["duplicates (benchmark.questions.duplicates=drop)"] += 1
                    continue
                lines[strategy, key] = line
                if split is None:
                    self.responses.setdefault(strategy, {})[key] = found.response
            except BadField as bad:
                tally.kinds[bad.kind] += 1
                problem = Problem(path.name, bad.why, line, field=bad.name, way=bad.way)
                (gaps if bad.kind == EMPTY else self.problems).append(problem)
                continue
            self._count(found, key, tally)
        if self.how.empties == "drop" and lines:  # where no record has one, it is not a gap
            tally.left_out["empty (benchmark.questions.empties=drop)"] += len(gaps)
        else:
            self.problems += gaps if lines else [replace(gap, way="") for gap in gaps]
        tally.left_out = +tally.left_out

    def finish(self) -> None:
        """Checks what depends on all files: questions without a gold answer, and settings that would suit all."""
        if any(one.kinds[SYSTEM] < one.rows for one in self.tallies):  # with it they would ask something else
            drop = "benchmark.questions.system=drop"
            self.problems = [replace(one, way=drop) if one.way == PREPEND else one for one in self.problems]
        self._without_gold()
        kept, gone = self.shared()
        if gone and self.how.missing == "refuse":
            counts = ", ".join(f"{name} {len(one)}" for name, one in sorted(self.responses.items()))
            what = f"{len(kept)} of {len(kept) + len(gone)} training questions have a response of every strategy"
            said = f"{what} ({counts}), and benchmark.questions.missing=refuse; without one: {first_ids(gone)}"
            self.problems.append(Problem("all files", said, way="benchmark.questions.missing=drop"))

    def shared(self) -> tuple[list[Question], list[str]]:
        """Returns the training questions that every strategy answers, and the ids of the others."""
        train = [one.question for one in self.asked.values() if one.split == "train"]
        kept = [question for question in train if all(question.id in one for one in self.responses.values())]
        ids = {question.id for question in kept}
        return kept, [question.id for question in train if question.id not in ids]

    def _without_gold(self) -> None:
        lacking = [] if self.kind == "none" else [key for key, one in self.asked.items() if not one.question.answer]
        if self.how.empties == "drop" and len(lacking) < len(self.asked):
            for key in lacking:
                self.without_gold.append(key)
                del self.asked[key]
            for given in self.responses.values():
                for key in set(lacking) & set(given):
                    del given[key]
            return
        way = "benchmark.questions.empties=drop" if len(lacking) < len(self.asked) else "benchmark.answer=none"
        for key in lacking:
            file, line = self.asked[key].where
            self.problems.append(Problem(file, NO_GOLD, line, field="gold_label", way=way))

    def _entry(self, record: Record, tally: Tally, line: int) -> Entry:
        """Reads a record; one that a setting refuses is a problem, and its other fields are still checked.

        Raises:
            BadField: it cannot be read whatever is set.
        """
        how = self.how
        while True:
            try:
                found = read_entry(record, how, answer_is_gold=tally.split is not None)
            except BadField as bad:
                name = bad.way.rpartition(".")[2].partition("=")[0]
                if name not in LENIENT:
                    raise
                self.problems.append(Problem(tally.path.name, bad.why, line, field=bad.name, way=bad.way))
                how = replace(how, **{name: LENIENT[name]})
            else:
                return found if how is self.how else replace(found, settled=())

    def _count(self, found: Entry, key: str, tally: Tally) -> None:
        """Counts what a record that was read holds."""
        tally.kinds.update(found.kinds)
        tally.unread.update(found.unread)
        tally.settled.update(found.settled)
        if found.question.strip() and self.by_text.get(_words(found)) != key:
            tally.settled["the question has another id than elsewhere, and is joined by id"] += 1
        if "\ufffd" in found.question + found.response:
            tally.settled["a character is lost (U+FFFD); the file was made from one of another encoding"] += 1
        if self.kind == "none" and found.gold.strip():
            tally.unread["gold answers, by benchmark.answer=none"] += 1
        if tally.split is not None and found.response.strip():
            tally.unread["a response (a file of this name holds questions only)"] += 1

    def _again(self, found: Entry, strategy: str, key: str, line: int) -> None:
        """Accepts a record that repeats an earlier one.

        Raises:
            BadField: it says something else, or such are refused.
        """
        if strategy in self.responses and found.response != self.responses[strategy].get(key, found.response):
            raise BadField("id", f"{shorten(key)} is there already, on line {line}, with another response")
        if self.how.duplicates == "refuse":
            why = f"{shorten(key)} is there already, on line {line}, and says the same"
            raise BadField("id", why, "benchmark.questions.duplicates=drop", TWICE)

    def _question(self, found: Entry, split: Split | None, where: tuple[str, int], record: Record) -> str:
        text = found.question.strip()
        words = _words(found)
        key = found.id or self.by_text.get(words) or (sha256(words.encode()).hexdigest()[:12] if words else "")
        if not key:
            raise BadField("question", f"neither a question nor an id; {_seen(record)}", DROP, EMPTY)
        if found.split and found.split not in SPLITS:
            raise BadField("split", f"one of {', '.join(SPLITS)} is wanted, not {shorten(found.split)}")
        told = cast("Split | None", found.split or split)
        if key in self.asked:
            self.asked[key] = self._known(key, found, told)
            return key
        if not text and split is not None:
            self.emptied.add(key)
            raise BadField("question", f"no question, or an empty one; {_seen(record)}", DROP, EMPTY)
        if not text and key in self.emptied:
            raise BadField("id", f"the question of the id {shorten(key)} is empty", DROP, EMPTY)
        if not text:
            raise BadField("id", f"no question has the id {shorten(key)}")
        said = (key, text, self._gold(found, found.fields), found.solution, found.fields)
        question = (
            Conversation(*said, found.turns, self.how.turns == "all") if _several(found, self.how) else Question(*said)
        )
        self.asked[key] = KnownQuestion(question, told or "train", where)
        self.by_text.setdefault(words, key)
        return key

    def _known(self, key: str, found: Entry, split: Split | None) -> KnownQuestion:
        """The question that is known already, with the fields this record adds to it.

        Raises:
            BadField: the record says something else about it.
        """
        known = self.asked[key]
        question, where = known.question, "{}, line {}".format(*known.where)
        turns = question.turns if isinstance(question, Conversation) else found.turns
        if found.question.strip() not in ("", question.prompt) or (found.question.strip() and found.turns != turns):
            raise BadField("question", f"id {shorten(key)} asks something else in {where}")
        if split and split != known.split:
            raise BadField("split", f"a {split} question here, a {known.split} question in {where}")
        for name, value in found.fields.items():
            if question.fields.get(name, value) != value:
                raise BadField(name, f"{shorten(value)} here, {shorten(question.fields[name])} in {where}")
        fields = {**found.fields, **question.fields}
        answer = question.answer or self._gold(found, fields)
        if found.gold.strip() not in ("", answer) and self._gold(found, fields) != answer:
            raise BadField("gold_label", f"{shorten(found.gold)} here, {shorten(answer)} in {where}")
        if question.solution.strip() and found.solution.strip() not in ("", question.solution.strip()):
            raise BadField("solution", f"another one than in {where}")
        solution = question.solution or found.solution
        return replace(known, question=replace(question, answer=answer, solution=solution, fields=fields))

    def _gold(self, found: Entry, fields: Mapping[str, Any]) -> str:
        if self.kind == "none" or not found.gold.strip():  # another record may say it
            return ""
        try:
            return read_gold(self.kind, found.gold, fields.get("options") or ())
        except BadGold as bad:
            raise BadField("gold_label", str(bad)) from None

    def _check_response(self, found: Entry, strategy: str, record: Record) -> None:
        if found.strategy and not NAME.fullmatch(strategy):
            raise BadField(
                "strategy",
                f"{shorten(strategy)} cannot name a strategy: letters a-z, digits and _ - . + = @ (120 at most)",
            )
        if not found.response.strip() and len(found.turns) > 1:
            why = f"the conversation ends with the {found.turns[-1]['role']}, not with an answer"
            raise BadField("response", why, DROP, EMPTY)
        if not found.response.strip():
            raise BadField("response", f"no response, or an empty one; {_seen(record)}", DROP, EMPTY)


def first_ids(ids: Sequence[str], n: int = 5) -> str:
    """Returns the first of some ids for a message, and how many more there are."""
    return ", ".join(ids[:n]) + (f" and {len(ids) - n} more" if len(ids) > n else "")


def _several(found: Entry, how: Format) -> bool:
    """Whether there is more than a question before the response, or several turns in it."""
    return how.turns == "all" or len(found.turns) > 1


def _words(found: Entry) -> str:
    """The words that identify a question: its text, or all turns up to it."""
    several = [
        turn for turn in found.turns if turn["role"] != "user" or turn["content"].strip() != found.question.strip()
    ]
    return write_turns(found.turns) if several else found.question.strip()


def _seen(record: Record) -> str:
    """The fields a record has, and which of them is one of ours but for upper and lower case."""
    known = {name: name for name in (*QUESTION, *RESPONSE, *CHATS, "answer", "id")}
    alike = [name for name in map(str, record) if name not in known and name.strip().lower() in known]
    said = f"the record has the fields {shorten(', '.join(map(str, record)), 200)}"
    return said + (f", and names count as they are written: {', '.join(map(repr, alike))}" if alike else "")
