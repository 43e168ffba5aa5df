"""The number that a sentence gives, found among its numbers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from sppl.benchmarks.answers.arithmetic import Number, value
from sppl.benchmarks.answers.numerals import SCALES
from sppl.benchmarks.answers.reading import denied, is_note, joins

AMBIGUOUS = ""
"""What a sentence gives that names several numbers, or one that cannot be read."""

_RUN = re.compile(r"(?:[\d./+\-*×·^(){}\[\]\s%√π]|,(?=\d)|\\(?:frac|sqrt|pi|cdot|times|div)(?![a-zA-Z])|\bpi\b)+")
_SCALE = re.compile(rf"\s?(?:{'|'.join(SCALES)})s?(?![a-z])", re.IGNORECASE)
_NO_NUMBER = re.compile(  # ranges, dates, times
    r"\d[\d.]*\s?-\s?\d[\d.]*%?|[^(]*\d-\d{1,4}-\d.*|\d{1,4}/\d{1,4}/\d{1,4}"
)
_ASIDE = re.compile(r"(\s*)[(\[]([^()\[\]]{0,400})(?:[)\]]|$)")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\d\s])|(?<=[。!?])")
_EXPLAINED = re.compile(
    r"\s*(?:,\s*)?(?:\b(?:because|since|as (?:in|there|each|he|she|it|they)|due to|which|given that|i\.e\.|e\.g\.|namely"
    r"|based on|computed|calculated|rounded)\b|因为|因為|由于|由於).*",
    re.IGNORECASE,
)
_ELSE = re.compile(r"[\W_]{0,4}(?:or|maybe|perhaps|possibly|alternatively|wait)\b|[\W_]{0,4}或", re.IGNORECASE)
_ASSIGNED = re.compile(  # "x = 3, y = 4"
    r"=[^=,;]{0,40}(?:[,;、]|\b(?:and|or)\b)[\s,]{0,3}(?!(?:so|thus|hence|then|therefore)\b)[A-Za-z][\w ]{0,20}=[^=]*$",
    re.IGNORECASE,
)
_IN_WORDS = re.compile(r"[+×*]|\b(?:plus|times)\b")
_LEAD = re.compile(
    r"(?:[^A-Za-z\d]|\b(?:is|it|its|about|approximately|approx|exactly|roughly|around|only|just|nearly|an?|the|total|of"
    r"|answer|so|thus|therefore|equals?|to|they|there|are|was|were|[xyn]|final|result|number|value)\b){0,40}",
    re.IGNORECASE,
)
_SAYS = re.compile(r"\b(?:is|are|was|equals?|makes|gives|leaves)\b", re.IGNORECASE)
_UNIT = re.compile(
    r"\s{0,3}(?!(?:in|for|of|per|from|with|after|on|at|by|over|within|during|each|every|out|left|more|less|than|when"
    r"|while|before|until|around|across|if)\b)[A-Za-z'\"°]{1,20}\.?(?=[\s,;/&+-]|$)"
)


@dataclass(frozen=True)
class Term:
    """A number in a sentence: its place, how it is written, and its value where it can be read."""

    start: int
    end: int
    written: str
    value: Number | None

    def equals(self, other: "Term") -> bool:
        """Whether both say the same: 7/2 and 3.5, 1/4 and 25%."""
        return bool(self._readings() & other._readings())

    def _readings(self) -> set[Number]:
        if self.value is None:
            return set()
        return {self.value, self.value / 100} if "%" in self.written else {self.value}


def number_in(line: str, *, last: bool) -> str | None:
    """The number of a line's first sentence that has one, or of its last; None where no sentence has.

    `AMBIGUOUS` where the sentence lists several numbers or gives one that cannot be read. What stands in brackets
    behind a number or after "because" explains it and does not count; of "a = b" the right side does. A number that
    opens the sentence beats those behind it, else the last one counts.

    Args:
        line: spelled as `numerals.western` does.
        last: whether the last sentence is meant.
    """
    sentences = [part for part in _SENTENCE_END.split(line) if part]
    for at in reversed(range(len(sentences))) if last else range(len(sentences)):
        found = _of_sentence(sentences[at])
        if found is None or (at and is_note(sentences[at])):
            continue
        after = sentences[at + 1] if at + 1 < len(sentences) else ""
        return AMBIGUOUS if _ELSE.match(after) and any(terms(after)) else found
    return None


def _of_sentence(sentence: str) -> str | None:
    sentence, other = _without_asides(sentence)
    if other or _ASSIGNED.search(sentence):
        return AMBIGUOUS
    explained = _EXPLAINED.search(sentence)
    if explained and any(map(str.isdigit, sentence[: explained.start()])):
        sentence = sentence[: explained.start()]
    summed = False
    for piece in reversed(sentence.split("=")):
        found = list(terms(piece))
        if found and not any(_IN_WORDS.search(piece[a.end : b.start]) for a, b in pairwise(found)):
            return _chosen(piece, found)
        summed = summed or bool(found)  # "3 boys + 3 girls" is a sum without its value
    return AMBIGUOUS if summed else None


def _chosen(piece: str, found: list[Term]) -> str:
    opens = _LEAD.fullmatch(piece, 0, found[0].start) is not None and not _NO_NUMBER.fullmatch(found[0].written)
    first, second = (found[0], found[1 % len(found)]) if opens else (found[-2 % len(found)], found[-1])
    chosen = first if opens else second
    if chosen.value is None or (not first.equals(second) and _listed(piece[first.end : second.start])):
        return AMBIGUOUS
    return chosen.written


def _listed(between: str) -> bool:
    """Whether two numbers are a list, a choice or one quantity in two units: "3 or 4", "5 hours and 30 minutes"."""
    if _SAYS.search(between) or ":" in between:
        return False
    unit = _UNIT.match(between)
    return joins(between) or (unit is not None and joins(between[unit.end() :]))


def _without_asides(sentence: str) -> tuple[str, bool]:
    """The sentence without the remarks in brackets behind a number, and whether one of them offers another number."""
    for _ in range(20):
        for aside in _ASIDE.finditer(sentence):
            before, inner = sentence[: aside.start()], aside[2]
            if not any(map(str.isdigit, before)) or not _explains(before, aside[1], inner, sentence[aside.end() :]):
                continue
            if _ELSE.match(inner) and any(not one.equals([*terms(before)][-1]) for one in terms(inner)):
                return sentence, True
            sentence = before + " " + sentence[aside.end() :]
            break
        else:
            break
    return sentence, False


def _explains(before: str, space: str, inner: str, after: str) -> bool:
    """Whether a bracket explains the number before it, and is no part of an expression."""
    if re.search(r"[A-Za-z]{2}|[^\W\dA-Za-z_]", re.sub(r"\\[a-z]+|\bpi\b|π|√", "", inner)):
        return True
    in_expression = re.search(r"[-+*/×·^=({]\s*$|\\[a-z]+$|}$", before) or re.match(r"\s*[-+*/×·^]", after)
    if in_expression:
        return False
    number = re.search(r"[\d.]+$", before)
    return bool(space) or (number is not None and value(number[0]) == value(inner))


def terms(piece: str) -> Iterator[Term]:
    """The numbers and numeric expressions of a text in their order, those it denies left out."""
    for run in _RUN.finditer(piece):
        start, end = _trimmed(piece, run.start(), run.end())
        written, before, after = piece[start:end], piece[max(0, start - 20) : start], piece[end : end + 20]
        if not re.search(r"\d|π|pi", written) or re.search(r"[A-Za-z_\\]$", before) or denied(piece, start, end):
            continue
        unreadable = (
            re.search(r"[<>±]\s*$|\d:$", before)
            or re.match(r"\s*[<>±]|_|\\[A-Za-z]|:\d|[xyzin](?![A-Za-z])", after)
            or _NO_NUMBER.fullmatch(written)
        )
        scale = _SCALE.match(piece, end)
        end = scale.end() if scale else end
        yield Term(start, end, piece[start:end], None if unreadable else value(written))


def _trimmed(piece: str, start: int, end: int) -> tuple[int, int]:
    """Where a run of digits and signs starts and ends without what belongs to no number."""
    while start < end and _is_no_start(piece, start):
        start += 1
    while start < end and piece[end - 1] in " \t,.+-*/×·^({[√":
        end -= 1
    for opening, closing in ("()", "{}", "[]"):
        surplus = piece.count(opening, start, end) - piece.count(closing, start, end)
        while surplus > 0 and piece[start] == opening:
            start, surplus = start + 1, surplus - 1
        while surplus < 0 and piece[end - 1] == closing:
            end, surplus = end - 1, surplus + 1
    return start, end


def _is_no_start(piece: str, at: int) -> bool:
    if piece[at] == "-":
        dash = piece[at + 1 : at + 2] in {" ", "-", ""} and piece[:at].strip() != ""
        return dash or re.search(r"[A-Za-z\d)\]}]$", piece[max(0, at - 1) : at]) is not None
    return piece[at] in " \t,;+*/×·^)}]%" or (piece[at] == "." and not piece[at + 1 : at + 2].isdigit())
