"""Turns a raw record of a data set into a question: its prompt, gold answer, solution, id and options."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sppl.data.gold import BadGold, last_boxed, read_number
from sppl.data.values import NotText, text_of, texts_of
from sppl.schemas import Question

MARK = re.compile(r"\{([\w.]+)\}")
STYLES = (r"\({}\):?", r"{}[:.)]", r"{}(?=[ \t])", r"(?:\({}\):?|{}[:.)?]|{}(?=[ \t]))")
"""Ways in which a text labels options, each on a new line: `(A) text`, `A: text`, `A text`, or a mixture."""


class MissingField(Exception):
    """A record lacks a field that the wording needs; holds the field and the reason."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name, self.why = name, why


@dataclass(frozen=True)
class Wording:
    r"""The shape of a data set's records and the prompt made of them.

    A field's name is `a`, `a.b` for field b of field a, `a.0` for the first entry of a list, or `a|b` for a or, where
    the record has no a, b.

    Args:
        question: the task's text; `{field}` marks are filled from the record, `{options}` with the labelled options.
        instruction: follows the task's text after a blank line.
        answer: the field with the gold answer.
        labels: one character per option.
        answer_from: `value` as it stands, `label` (checked against labels), `index` counts options from 0, `option` is
            the text of one, `hashes` what follows the last `####`, `boxed` the content of the last `\boxed{}`,
            `number` the one number it gives (`sppl.data.gold`).
        answers: what the judge wants instead of certain gold values, e.g. `{"0": "entailment"}`.
        options: the fields that hold the options' texts: several, one with a list, or one with lines `(A): text`.
        solution: the field with the worked solution, empty for none.
        id: marks that name a record; empty: a digest of the task's words.
        keep: further fields for the judge, ours to the record's.
        published: a pattern over `question` of records that hold a whole prompt; its named groups replace fields
            (`_1` the field `1`).
    """

    question: str = "{question}"
    instruction: str = ""
    answer: str = "gold_label"
    labels: str = ""
    answer_from: str = "value"
    answers: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    solution: str = ""
    id: str = ""
    keep: Mapping[str, str] = field(default_factory=dict)
    published: str = ""

    def read(self, record: Mapping[str, Any], *, gold_missing: bool = False) -> Question:
        """Returns the question of a record.

        Args:
            gold_missing: whether an empty gold answer will do; the question's `answer` is empty then.

        Raises:
            MissingField: a field is absent, empty or not what was announced.
        """
        opened, texts, task = self._task(record)
        prompt = f"{task}\n\n{self.instruction}" if self.instruction else task
        name = fill_marks(self.id, opened) if self.id else _digest(task)
        solution = text_in(opened, self.solution) if self.solution and _has(opened, self.solution) else ""
        kept = {ours: look_up(opened, theirs) for ours, theirs in self.keep.items() if _has(opened, theirs)}
        fields = {**kept, **({"options": texts} if texts else {})}
        gold = self._gold(opened, texts)
        if not gold and not gold_missing:
            raise MissingField(self.answer, "the gold answer is empty")
        return Question(name, prompt, gold, solution.strip(), fields)

    def _task(self, record: Mapping[str, Any]) -> tuple[dict[str, Any], list[str], str]:
        """The record's fields, its options and the task's text."""
        opened = self._opened(record)
        texts = self._options(opened)
        if len(texts) > len(self.labels) and self.labels:
            raise MissingField("|".join(self.options), f"{len(texts)} options, and labels for {self.labels} only")
        if "{options}" in self.question and not texts:
            raise MissingField("|".join(self.options), f"no options that are labelled {', '.join(self.labels)} in turn")
        listed = "\n".join(f"({label}) {text}" for label, text in zip(self.labels, texts, strict=False))
        task = fill_marks(self.question, {**opened, "options": listed} if texts else opened).strip()
        if not task:
            raise MissingField("question", "it is empty")
        return opened, texts, task

    def _opened(self, record: Mapping[str, Any]) -> dict[str, Any]:
        if not self.published or not isinstance(record.get("question"), str):
            return dict(record)
        found = re.search(self.published, record["question"], re.DOTALL)
        if found is None:
            return dict(record)  # raw files hold the fields themselves
        return {
            **record,
            **{key.removeprefix("_"): text for key, text in found.groupdict().items() if text is not None},
        }

    def _options(self, record: Mapping[str, Any]) -> list[str]:
        if len(self.options) != 1:
            return [text_in(record, name) for name in self.options]
        found = look_up(record, self.options[0])
        if isinstance(found, str):
            return _listed(found, self.labels)
        try:
            return _unlabelled(texts_of(found), self.labels)
        except NotText as bad:
            raise MissingField(self.options[0], str(bad)) from None

    def _gold(self, record: Mapping[str, Any], options: Sequence[str]) -> str:
        value = look_up(record, self.answer)
        if isinstance(value, bool):  # what the field means is known: the configuration names it
            value = str(value)
        given = "" if isinstance(value, Sequence) and not value else _text(value, self.answer).strip()
        if not given:
            return self.answers.get("", "")
        if self.answer_from == "index":
            if not given.isdigit() or int(given) >= (len(options) or len(self.labels)):
                raise MissingField(self.answer, f"{given!r} is no place among {len(options)} options")
            return self.labels[int(given)]
        if self.answer_from == "option":
            if given not in options:
                raise MissingField(self.answer, f"{given!r} is none of the options")
            return self.labels[options.index(given)]
        if self.answer_from in ("hashes", "number"):
            given = given.rpartition("####")[2].strip()
        if self.answer_from == "boxed":
            given = last_boxed(given)
            if not given:
                raise MissingField(self.answer, "it holds no \\boxed{} answer")
        given = self.answers.get(given, given)
        if self.answer_from == "label" and (len(given) != 1 or given not in self.labels[: len(options) or None]):
            raise MissingField(self.answer, f"{given!r} is none of the labels {self.labels[: len(options) or None]}")
        if self.answer_from == "number":
            try:
                return read_number(given)
            except BadGold as bad:
                raise MissingField(self.answer, str(bad)) from None
        return given


def look_up(record: Mapping[str, Any], name: str) -> Any:
    """Returns the value of a field; `a.b` is field b of a, `a.0` a list's first entry, `a|b` is a or else b.

    Raises:
        MissingField: the record has no such field.
    """
    if "|" in name:
        found = next((one for one in name.split("|") if _has(record, one)), None)
        if found is None:
            raise MissingField(name, f"the record has no such field, it has {', '.join(map(str, record))}")
        return look_up(record, found)
    value: Any = record
    for part in [name] if name in record else name.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, Sequence) and not isinstance(value, str) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            raise MissingField(name, f"the record has no such field, it has {', '.join(map(str, record))}")
    return value


def text_in(record: Mapping[str, Any], name: str) -> str:
    """Returns the text of a field; numbers are written out, null is empty.

    Raises:
        MissingField: the record has no such field, or it holds no text.
    """
    return _text(look_up(record, name), name)


def _text(value: Any, name: str) -> str:
    try:
        return text_of(value)
    except NotText as bad:
        raise MissingField(name, str(bad)) from None


def _has(record: Mapping[str, Any], name: str) -> bool:
    try:
        look_up(record, name)
    except MissingField:
        return False
    return True


def fill_marks(wording: str, record: Mapping[str, Any]) -> str:
    """Returns the wording with its marks replaced once; marks inside filled-in data stay.

    Raises:
        MissingField: the record lacks a field that is marked, or it is null or no text.
    """

    def filled(mark: re.Match[str]) -> str:
        if look_up(record, mark[1]) is None:
            raise MissingField(mark[1], "it is null")
        return text_in(record, mark[1])

    return MARK.sub(filled, wording)


def _digest(task: str) -> str:
    """A digest that is equal for copies of a question which differ in white space only."""
    return sha256(" ".join(task.split()).encode()).hexdigest()[:12]


def _listed(listing: str, labels: str) -> list[str]:
    """The options that a text lists, in the order of their labels; empty where it lists none."""
    found = max((_run(listing, labels, style) for style in STYLES), key=len)  # the first of the longest
    return found if len(found) > 1 else []


def _run(listing: str, labels: str, style: str) -> list[str]:
    marks: list[re.Match[str]] = []
    for label in labels:
        mark = re.compile(rf"^[ \t]*{style.replace('{}', label)}[ \t]*", re.MULTILINE)
        found = mark.search(listing, marks[-1].end() if marks else 0)
        if found is None:
            break
        marks.append(found)
    ends = [mark.start() for mark in marks[1:]] + [len(listing)] * bool(marks)
    texts = [listing[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True)]
    quoted = all(re.fullmatch(r'".*"', text, re.DOTALL) for text in texts)
    return [text[1:-1] for text in texts] if quoted else texts


def _unlabelled(texts: Sequence[str], labels: str) -> list[str]:
    """The options without the labels in their texts, where every one has its own and the first is in brackets."""
    if not labels or not texts or not texts[0].startswith(f"({labels[0]})"):
        return list(texts)
    bare = _listed("\n".join(texts), labels)
    return bare if len(bare) == len(texts) else list(texts)
