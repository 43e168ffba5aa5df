"""Answers that are one word out of a few: true or false, three-way labels, and whether a plan is valid."""

import re
from collections.abc import Mapping, Sequence

from sppl.benchmarks.answers.reading import answer_line, bare
from sppl.benchmarks.answers.several import are_listed, denied
from sppl.benchmarks.answers.verdict import Row, Verdict, given, verdict

TRUTH = {"true": "true", "yes": "true", "false": "false", "no": "false"}
ENTAILMENT = {
    **dict.fromkeys(("entailment", "entailed", "entails", "entail"), "entailment"),
    **dict.fromkeys(("contradiction", "contradicted", "contradictory", "contradicts", "contradict"), "contradiction"),
    "neutral": "neutral",
}
_WORD = re.compile(r"(?<![A-Za-zÀ-ɏ])[A-Za-z]{1,40}(?![A-Za-zÀ-ɏ'’]|-[a-z])")
_HALF = re.compile(r"\b(?:partially|partly|half|sometimes|neither|both|not entirely|not fully|non)[\s-]{1,3}$", re.I)
_ON = re.compile(
    r"\s{1,3}(?!(?:it|he|she|they|that|this|these|the|there|you|we|not|is|because|since|as|but|for)\b)\w", re.I
)


def truth(text: str) -> str | None:
    """`true` or `false`, None where neither is said."""
    return named(text, TRUTH)


def entailment(text: str) -> str | None:
    """`entailment`, `contradiction` or `neutral`, None where none is said."""
    return named(text, ENTAILMENT)


def named(text: str, names: Mapping[str, str]) -> str | None:
    """The first whole word of the answer's line that is one of the names and not denied, as the value it stands for.

    Names in a list ("true/false", "yes and no") or by half ("partly true") are no answer, denied ones ("not true")
    count for nothing, and the "no" of "no doubt" is none. Words count whole, so "know" is no "no". Only the answer's
    line is read: the reasoning before it never votes.
    """
    line = bare(answer_line(text))[:2000]
    words = [word for word in _WORD.finditer(line) if word[0].casefold() in names]
    found = [word for word in words if not denied(line, *word.span()) and not _is_no_answer(line, word)]
    if not found:
        return None
    first, value = found[0], names[found[0][0].casefold()]
    if _HALF.search(line, 0, first.start()):
        return None
    other = next((word for word in found if names[word[0].casefold()] != value), None)
    return None if other and are_listed(line, first.end(), other.span()) else value


def _is_no_answer(line: str, word: re.Match[str]) -> bool:
    """Whether a "no" only says that something is not there: "no doubt", "there is no record"."""
    return word[0].casefold() == "no" and _ON.match(line, word.end()) is not None


def judge_truth(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the answer says of itself what the gold one does: true (or yes) or false (or no)."""
    value = truth(given(texts))
    return verdict(value is not None and value == truth(str(row["answer"])))


def judge_entailment(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the answer's label is the gold one."""
    value = entailment(given(texts))
    return verdict(value is not None and value == entailment(str(row["answer"])))
