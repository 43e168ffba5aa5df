"""Answers that choose one of several options, by label or by the option's own text."""

import re
from collections.abc import Sequence

from sppl.benchmarks.answers.verdict import Row, Verdict, answer_line, bare, given, verdict

LONGEST = 2000
"""Characters of the answer's line that are read; a label further back is none."""


def choice(text: str, labels: str, options: Sequence[str] = ()) -> str | None:
    """The label the answer's line names, None where it names none or several.

    Tried in turn: the text of exactly one option, word for word; a label in front ("B", "(B)", "B: ...", "Option B");
    the only label anywhere in the line ("I would say (B)"). A capital A or I that begins a sentence is a word, not a
    label. Labels joined by "/", "or", "and" or a comma are several.

    Args:
        text: the whole answer.
        labels: the labels in the options' order, one character each: `12345`, `ABCD`.
        options: the options' texts in that order, where known.
    """
    line = bare(answer_line(text)[:LONGEST])
    plain = [_plain(option) for option in options]
    if _plain(line) and plain.count(_plain(line)) == 1:
        return labels[plain.index(_plain(line))] if plain.index(_plain(line)) < len(labels) else None
    if len(line) == 1 and line.upper() in labels:
        return line.upper()
    some = f"[{labels}]"
    lead = re.match(
        rf"(?:(?:the )?(?:correct )?(?:option|choice|answer|letter)\s{{0,3}}(?:is\s{{0,3}})?[:#]?\s{{0,3}})?"
        rf"[(\[*]{{0,3}}({some})(?![\w'’])(?! [a-z])(?P<rest>.*)",
        line,
        re.IGNORECASE | re.DOTALL if len(line) <= 3 else re.DOTALL,
    )
    if lead:
        several = re.match(rf"[)\]*.\s]{{0,4}}(?:/|,|&|\||or\b|and\b)\s{{0,3}}[(\[]?{some}(?![\w'’])", lead["rest"])
        return None if several else lead[1].upper()
    free = {label[0] for label in re.finditer(rf"(?<![\w'’.]){some}(?![\w'’])(?! [a-z])", line)}
    return free.pop() if len(free) == 1 else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().strip(" \t\n.\"'").split())


def _judge(row: Row, texts: Sequence[str], labels: str) -> Verdict:
    options = [str(option) for option in row.get("options") or ()]
    value = choice(given(texts), labels, options)
    return verdict(value is not None and value == str(row["answer"]).strip().upper())


def judge_1_to_2(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if option 1 or 2 is named as in the gold answer; `options` of the row may hold their texts."""
    return _judge(row, texts, "12")


def judge_1_to_4(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the option from 1 to 4 is the gold one."""
    return _judge(row, texts, "1234")


def judge_1_to_5(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the option from 1 to 5 is the gold one."""
    return _judge(row, texts, "12345")


def judge_a_to_d(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the option from A to D is the gold one."""
    return _judge(row, texts, "ABCD")


def judge_a_to_j(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the option from A to J is the gold one."""
    return _judge(row, texts, "ABCDEFGHIJ")


def judge_own_labels(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the option is the gold one; digits or capitals as the gold answer, as many as the row has options."""
    labels = "123456789" if str(row["answer"]).strip().isdigit() else "ABCDEFGHIJ"
    return _judge(row, texts, labels[: len(row.get("options") or labels)])
