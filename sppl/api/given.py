"""Reads questions and responses that are given as rows, and reports all their problems."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from math import isnan
from numbers import Real
from typing import Any, cast

import pandas as pd

from sppl.artifacts.provenance import fingerprint
from sppl.data.formats import GOLD
from sppl.names import NAME, NAME_RULE
from sppl.schemas import Question, Split, Strategy, UserError

Rows = Iterable[Mapping[str, Any]] | pd.DataFrame
"""The responses of one strategy: rows with `question`, `response`, and where known `id` and `answer` (or `gold`)."""
ANSWER = ("answer", *GOLD)
"""Names of the gold answer: ours, and those that files may have."""
SHOWN = 50
"""How many problems a message spells out."""


@dataclass(frozen=True)
class Given:
    """Questions that every strategy answers, and their responses; a source of both for the stages.

    Args:
        asked: the questions.
        responses: per strategy and question id.
        left_out: ids of questions that some strategy does not answer.
    """

    asked: tuple[Question, ...]
    responses: Mapping[str, Mapping[str, str]] = field(hash=False)
    left_out: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The kind of source, for tables."""
        return "given"

    @property
    def paid(self) -> bool:
        """False, as the responses cost nothing."""
        return False

    @property
    def by_id(self) -> bool:
        """They are the same whatever else a question says."""
        return True

    @property
    def judged(self) -> bool:
        """Whether the questions have gold answers."""
        return bool(self.asked[0].answer)

    def questions(self, split: Split, n: int | None = None) -> list[Question]:
        """Returns the first `n` questions; there is only one split."""
        return list(self.asked[:n]) if split == "train" else []

    def respond(self, strategy: Strategy, questions: list[Question]) -> list[str]:
        """Returns the strategy's response to each question."""
        return [self.responses[strategy.name][question.id] for question in questions]

    def identity(self, strategy: Strategy) -> Mapping[str, str]:
        """Returns a digest of a strategy's responses, which depend on nothing else."""
        return {"responses": fingerprint(self.responses[strategy.name])}


def read_rows(responses: Mapping[str, Rows]) -> Given:
    """Reads the questions and responses of all strategies.

    A question is identified by its `id`, or else by its text.

    Raises:
        UserError: something is wrong with some row, or no question is answered by every strategy; all problems of all
            rows are in one message.
    """
    if not isinstance(responses, Mapping) or not responses:
        raise UserError(
            f"`responses` is a mapping of strategies to their rows, such as {{'gpt4': rows}}, not {responses!r:.60}"
        )
    problems: list[str] = []
    asked: dict[str, Question] = {}
    answers: dict[str, dict[str, str]] = {}
    for name, rows in responses.items():
        if not NAME.fullmatch(str(name)):
            problems.append(f"{name!r} cannot name a strategy: {NAME_RULE}")
        answers[name] = {}
        if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
            problems.append(f"{name}: rows or a DataFrame are wanted, not a {type(rows).__name__}")
            continue
        listed = cast("list[Mapping[str, Any]]", rows.to_dict("records")) if isinstance(rows, pd.DataFrame) else rows
        for number, row in enumerate(listed):
            try:
                question, response = _read(row)
                known = asked.setdefault(question.id, question)
                if (known.prompt, known.answer) != (question.prompt, question.answer):
                    raise ValueError(f"another question or answer was given with the id {question.id!r} before")
                if question.id in answers[name]:
                    raise ValueError(f"the question {question.id!r} has a response already")
                answers[name][question.id] = response
            except ValueError as error:
                problems.append(f"{name}, row {number}: {error}")
    unjudged = [one.id for one in asked.values() if not one.answer]
    if unjudged and len(unjudged) < len(asked):
        problems.append(f"`answer` is given for some questions only; it is missing for {', '.join(unjudged[:10])}")
    shared = tuple(one for one in asked.values() if all(one.id in own for own in answers.values()))
    if not problems and not shared:
        problems.append("no question is answered by every strategy, so none can be compared")
    if problems:
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        raise UserError("the responses cannot be read: " + "; ".join([*problems[:SHOWN], *more]))
    return Given(shared, answers, tuple(key for key in asked if asked[key] not in shared))


def _read(row: Mapping[str, Any]) -> tuple[Question, str]:
    if not isinstance(row, Mapping):
        raise ValueError(f"a mapping with `question` and `response` is wanted, not a {type(row).__name__}")
    said = {key: _text(row, key) for key in ("question", "response", "id", *ANSWER)}
    for key in ("question", "response"):
        if not said[key].strip():
            raise ValueError(f"`{key}` is missing or empty; the row has {', '.join(map(str, row))}")
    golds = {said[key].strip(): key for key in reversed(ANSWER) if said[key].strip()}
    if len(golds) > 1:
        told = " and ".join(f"`{key}` {gold!r}" for gold, key in reversed(golds.items()))
        raise ValueError(f"{told} are both gold answers; leave one of them out")
    prompt = said["question"].strip()
    number = said["id"] or sha256(prompt.encode()).hexdigest()[:12]
    return Question(number, prompt, next(iter(golds), "")), said["response"]


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if value is None or value is pd.NA or (isinstance(value, float) and isnan(value)):
        return ""
    if isinstance(value, Real) and not isinstance(value, bool) and key in ("id", *ANSWER):
        number = float(value)
        return str(int(number)) if number.is_integer() else str(number)
    if not isinstance(value, str):
        raise ValueError(f"`{key}` has to be text, this is a {type(value).__name__}")
    return value
