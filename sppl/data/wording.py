"""How a raw record of a data set becomes a question: its prompt, gold answer, solution, id and options."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sppl.schemas import Question

MARK = re.compile(r"\{([\w.]+)\}")
LISTED = re.compile(r"^[ \t]*\((?:\d|[A-J])\):?[ \t]*(.*?)[ \t]*$", re.MULTILINE)


class MissingField(Exception):
    """A record lacks what the wording needs: the field, and why it will not do."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name, self.why = name, why


@dataclass(frozen=True)
class Wording:
    r"""The shape of a data set's records and the prompt made of them.

    Args:
        question: the task's text; `{field}` marks are filled from the record (`{a.b}` looks inside), `{options}` with
            the labelled options.
        instruction: follows the task's text after a blank line.
        answer: the field with the gold answer.
        labels: one character per option.
        answer_from: `value` as it stands, `label` (checked against labels), `index` counts options from 0, `option` is
            the text of one, `hashes` what follows the last `####`, `boxed` the content of the last `\boxed{}`.
        answers: what the judge wants instead of certain gold values, e.g. `{"0": "entailment"}`.
        options: the fields that hold the options' texts: several, one with a list, or one with lines `(A): text`.
        solution: the field with the worked solution, empty for none.
        id: marks that name a record; empty: a digest of the task's text.
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

    def read(self, record: Mapping[str, Any]) -> Question:
        """The question of a record.

        Raises:
            MissingField: a field is absent, empty or not what was announced.
        """
        record = self._opened(record)
        texts = self._options(record)
        listed = "\n".join(f"({label}) {text}" for label, text in zip(self.labels, texts, strict=False))
        task = fill(self.question, {**record, "options": listed}).strip()
        if not task:
            raise MissingField("question", "it is empty")
        prompt = f"{task}\n\n{self.instruction}" if self.instruction else task
        name = fill(self.id, record) if self.id else sha256(task.encode()).hexdigest()[:12]
        solution = look_up(record, self.solution) if self.solution and _has(record, self.solution) else ""
        kept = {ours: look_up(record, theirs) for ours, theirs in self.keep.items() if _has(record, theirs)}
        fields = {**kept, **({"options": texts} if texts else {})}
        return Question(name, prompt, self._gold(record, texts), str(solution or "").strip(), fields)

    def _opened(self, record: Mapping[str, Any]) -> dict[str, Any]:
        if not self.published:
            return dict(record)
        found = re.search(self.published, str(look_up(record, "question")), re.DOTALL)
        if found is None:
            return dict(record)  # raw files hold the fields themselves
        return {
            **record,
            **{key.removeprefix("_"): text for key, text in found.groupdict().items() if text is not None},
        }

    def _options(self, record: Mapping[str, Any]) -> list[str]:
        values = [look_up(record, name) for name in self.options]
        if len(values) == 1 and isinstance(values[0], str):
            return [text.strip('"') for text in LISTED.findall(values[0])]
        if len(values) == 1 and isinstance(values[0], Sequence):
            return [str(value) for value in values[0]]
        return [str(value) for value in values]

    def _gold(self, record: Mapping[str, Any], options: Sequence[str]) -> str:
        value = look_up(record, self.answer)
        text = ("" if value is None else str(value)).strip()
        if not text:
            raise MissingField(self.answer, "the gold answer is empty")
        if self.answer_from == "index":
            if not text.isdigit() or int(text) >= (len(options) or len(self.labels)):
                raise MissingField(self.answer, f"{text!r} is no place among {len(options)} options")
            return self.labels[int(text)]
        if self.answer_from == "option":
            if text not in options:
                raise MissingField(self.answer, f"{text!r} is none of the options")
            return self.labels[options.index(text)]
        if self.answer_from == "hashes":
            text = text.rpartition("####")[2].strip()
        if self.answer_from == "boxed":
            text = last_boxed(text)
            if not text:
                raise MissingField(self.answer, "it holds no \\boxed{} answer")
        text = self.answers.get(text, text)
        if self.answer_from == "label" and (len(text) != 1 or text not in self.labels):
            raise MissingField(self.answer, f"{text!r} is none of the labels {self.labels}")
        return text


def look_up(record: Mapping[str, Any], name: str) -> Any:
    """The value of a field; `a.b` is field b of field a, `a.0` the first entry of a list, `a|b` a or, without it, b."""
    first, _, others = name.partition("|")
    if others:
        return look_up(record, first if _has(record, first) else others)
    value: Any = record
    for part in [name] if name in record else name.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, Sequence) and not isinstance(value, str) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            raise MissingField(name, f"the record has no such field, it has {', '.join(map(str, record))}")
    return value


def _has(record: Mapping[str, Any], name: str) -> bool:
    try:
        look_up(record, name)
    except MissingField:
        return False
    return True


def fill(wording: str, record: Mapping[str, Any]) -> str:
    """The wording with its marks replaced once; marks inside what is filled in stay (data are no templates)."""
    return MARK.sub(lambda mark: str(look_up(record, mark[1])), wording)


def last_boxed(text: str) -> str:
    r"""The content of the last `\boxed{...}`, inner braces kept; empty where there is none."""
    start = text.rfind("\\boxed{")
    depth, begin = 0, start + len("\\boxed{")
    for at in range(begin, len(text)) if start >= 0 else ():
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth < 0:
            return text[begin:at].strip()
    return ""
