"""Reads one file of the authors' checkout: questions, and the answers of a strategy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sppl.data.contents import Contents, read_contents
from sppl.data.problems import Problem
from sppl.data.wording import MissingField, Wording, text_in
from sppl.schemas import Question

CLOSING = r"^(?P<question>.*?)\s*(?:\n[^\n]*Final Answer[^\n]*\s*)*$"
"""Matches a published prompt without its closing lines about the answer's form."""


@dataclass(frozen=True)
class Published:
    """The contents of a file by question id, in its order; a repeated question counts once."""

    questions: Mapping[str, Question]
    """The gold answer is empty where the file has none."""
    answers: Mapping[str, str]
    """The field `answer`, where it is not empty."""
    problems: tuple[Problem, ...]
    """Why the file cannot be read."""
    notes: tuple[str, ...]
    """Remarks on records that were left out or changed, with their lines."""


def read_published(path: Path, wording: Wording, *, answered: bool = False) -> Published:
    """Reads the records of a file.

    Records that cannot be read are left out and noted where they are at most 1 % of the file; more are problems.

    Args:
        wording: how a record becomes a question.
        answered: whether it is a strategy's file: `answer` is its response, and `question` a whole prompt, which is
            taken as it is, up to its closing instruction, where it has another shape than `wording` knows.
    """
    contents = read_contents(path)
    found = _parsed(contents, wording, answered=answered)
    if answered and found.problems and not contents.problems:
        whole = replace(wording, question="{question}", options=(), published=CLOSING)
        other = _parsed(contents, whole, answered=True)
        if not other.problems:
            note = (
                f"{path.name}: the prompts have another shape than expected and are taken whole ({found.problems[0]})"
            )
            return replace(other, notes=(note, *other.notes))
    return found


def _parsed(contents: Contents, wording: Wording, *, answered: bool) -> Published:
    name, bad = contents.path.name, list[Problem]()
    questions: dict[str, Question] = {}
    answers: dict[str, str] = {}
    again: list[int] = []
    for line, record in contents.rows:
        try:
            question = wording.read(record, gold_missing=True)
            answer = text_in(record, "answer") if answered and "answer" in record else ""
        except MissingField as missing:
            bad.append(Problem(name, missing.why, line, field=missing.name))
            continue
        if question.id in questions:
            again.append(line)
            continue
        questions[question.id] = question
        if answer.strip():
            answers[question.id] = answer
    few = len(bad) * 100 <= len(contents.rows)
    notes = [f"{one} (left out)" for one in bad] if few else []
    notes += [f"{name}: asked before, left out: {_lines(again)}"] if again else []
    return Published(questions, answers, (*contents.problems, *([] if few else bad)), tuple(notes))


def _lines(lines: list[int]) -> str:
    shown = ", ".join(map(str, lines[:5]))
    return f"{len(lines)} records (line{'s' * (len(lines) > 1)} {shown}{', ...' * (len(lines) > 5)})"
