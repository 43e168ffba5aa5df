"""Answers that are one word out of a few: true or false, and three-way labels."""

import re
from collections.abc import Mapping, Sequence

from sppl.benchmarks.answers.verdict import Row, Verdict, answer_line, given, verdict

TRUTH = {"true": "true", "yes": "true", "false": "false", "no": "false"}
ENTAILMENT = {
    **dict.fromkeys(("entailment", "entailed", "entails", "entail"), "entailment"),
    **dict.fromkeys(("contradiction", "contradicted", "contradictory", "contradicts", "contradict"), "contradiction"),
    "neutral": "neutral",
}
_WORD = re.compile(r"[^\W\d_]{1,40}")
_ALTERNATIVE = re.compile(r"[\s*_`\"')(]{0,4}(?:/|\||,?\s{0,2}\bor\b)[\s*_`\"')(]{0,4}", re.IGNORECASE)
_NEGATION = re.compile(r"\b(?:not|isn't|never|nor|neither)\s{1,3}$", re.IGNORECASE)


def truth(text: str) -> str | None:
    """`true` or `false`, None where neither is said."""
    return named(text, TRUTH)


def entailment(text: str) -> str | None:
    """`entailment`, `contradiction` or `neutral`, None where none is said."""
    return named(text, ENTAILMENT)


def named(text: str, names: Mapping[str, str]) -> str | None:
    """The first whole word of the answer's line that is one of the names, as the value it stands for.

    Names joined by "/" or "or" are the question's own list and no answer; a negated name ("not true") is none either.
    Words count whole, so "know" is no "no". Only the answer's line is read: the reasoning before it never votes.
    """
    line = answer_line(text)[:2000]
    found = [word for word in _WORD.finditer(line) if word[0].casefold() in names]
    if not found:
        return None
    first = found[0]
    if _NEGATION.search(line, 0, first.start()):
        return None
    if len(found) > 1 and _ALTERNATIVE.fullmatch(line, first.end(), found[1].start()):
        return None
    return names[first[0].casefold()]


def judge_truth(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the answer says of itself what the gold one does: true (or yes) or false (or no)."""
    value = truth(given(texts))
    return verdict(value is not None and value == truth(str(row["answer"])))


def judge_entailment(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the answer's label is the gold one."""
    value = entailment(given(texts))
    return verdict(value is not None and value == entailment(str(row["answer"])))
