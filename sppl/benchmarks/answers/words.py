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
_WORD = re.compile(r"(?<![A-Za-zÀ-ɏ])[A-Za-z]{1,40}(?![A-Za-zÀ-ɏ]|['’][a-z]|-[a-z])")
_LISTED = re.compile(r"[\"')]{0,2}\s{0,2}(?:[/|]|\bor\b)\s{0,2}[\"'(]{0,2}", re.IGNORECASE)
_IF = re.compile(
    r"\s(?:if|when|in|for|unless|before|after|until)\b.{0,200}[,;.]\s{0,2}(?:and |but |or )?", re.IGNORECASE
)
_REFUSED = re.compile(r"\s?[:=]\s?(?:no|false)\b", re.IGNORECASE)
_HALF = re.compile(
    r"\b(?:partially|partly|half|sometimes|mostly|mainly|largely|somewhat|almost|nearly|neither|both|not entirely"
    r"|not fully|non)[\s-]{1,3}$",
    re.IGNORECASE,
)
_ON = re.compile(
    r"\s{1,3}(?!(?:it|he|she|they|that|this|these|the|there|you|we|not|is|because|since|as|but|for|if|when|unless)\b)\w",
    re.IGNORECASE,
)


def truth(text: str) -> str | None:
    """`true` or `false`, None where neither is said."""
    return named(text, TRUTH)


def entailment(text: str) -> str | None:
    """`entailment`, `contradiction` or `neutral`, None where none is said."""
    return named(text, ENTAILMENT)


def named(text: str, names: Mapping[str, str]) -> str | None:
    """The first whole word of the answer's line that is one of the names and not denied, as the value it stands for.

    Names in a list ("true/false", "yes and no"), by half ("partly true") or under conditions ("yes if raw, no if
    cooked") are no answer, denied ones ("not true", "neutral: no") count for nothing, and the "no" of "no doubt" is
    none. What is only asked ("True or false? True") is left out. Words count whole, so "know" is no "no". Only the
    answer's line is read: the reasoning before it never votes.
    """
    line = bare(answer_line(text))[:2000]
    reply = line.rpartition("?")[2]
    found = _names(reply if _names(reply, names) else line, names)
    if len(found) > 2 and _LISTED.fullmatch(found[0].string, found[0].end(), found[1].start()):
        found = found[2:] if found[0].string[found[1].end() :].lstrip("\"') ").startswith(":") else found
    if not found:
        return None
    first, value, line = found[0], names[found[0][0].casefold()], found[0].string
    other = next((word for word in found if names[word[0].casefold()] != value), None)
    if _HALF.search(line, 0, first.start()):
        return None
    if other and (are_listed(line, first.end(), other.span()) or _IF.fullmatch(line, first.end(), other.start())):
        return None
    return value


def _names(line: str, names: Mapping[str, str]) -> list[re.Match[str]]:
    """The names in a line that say something: not denied, and no "no doubt" or "there is no record"."""
    return [
        word
        for word in _WORD.finditer(line)
        if word[0].casefold() in names
        and not denied(line, *word.span())
        and not _REFUSED.match(line, word.end())
        and not (word[0].casefold() == "no" and _ON.match(line, word.end()))
    ]


def judge_truth(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the answer says of itself what the gold one does: true (or yes) or false (or no)."""
    value = truth(given(texts))
    return verdict(value is not None and value == truth(str(row["answer"])))


def judge_entailment(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the answer's label is the gold one."""
    value = entailment(given(texts))
    return verdict(value is not None and value == entailment(str(row["answer"])))
