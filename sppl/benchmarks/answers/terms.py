"""The numbers in a text: where they stand, how they are written, what they are worth."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sppl.benchmarks.answers.arithmetic import Number, value
from sppl.benchmarks.answers.numerals import SCALES
from sppl.benchmarks.answers.several import denied

_RUN = re.compile(r"(?:[\d./+\-*×·^(){}\[\]\s%√π]|,(?=\d)|\\(?:frac|sqrt|pi|cdot|times|div)(?![a-zA-Z])|\bpi\b)+")
_SCALE = re.compile(rf"(?:\s?(?:{'|'.join(SCALES)})s?(?![a-z])){{1,2}}", re.IGNORECASE)
_UNREADABLE_AFTER = re.compile(r"\s*[<>±]|\s?\^|_|\.?\\[A-Za-z]|:\d|[xyzin](?![A-Za-z])|[eE][+-]?\d")
_UNREADABLE_BEFORE = re.compile(
    r"[<>±]\s*$|\d:$|\}$|(?:\\[A-Za-z]+|\b(?:sin|cos|tan|log|ln|exp|sqrt|max|min|gcd|lcm|[fg]))[\d_{}]*\s?[({]?$"
)
_NO_NUMBER = re.compile(r"\d[\d.]*\s?-\s?\d[\d.]*%?|[^(]*\d-\d{1,4}-\d.*|\d{1,4}/\d{1,4}/\d{1,4}")


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


def terms(piece: str) -> Iterator[Term]:
    """The numbers and numeric expressions of a text in their order, those it denies left out."""
    for run in _RUN.finditer(piece):
        start, end = _trimmed(piece, run.start(), run.end())
        written, before, after = piece[start:end], piece[max(0, start - 20) : start], piece[end : end + 20]
        if not re.search(r"\d|π|pi", written) or re.search(r"[A-Za-z_\\]$", before) or denied(piece, start, end):
            continue
        unreadable = _UNREADABLE_BEFORE.search(before) or _UNREADABLE_AFTER.match(after) or is_range(written)
        scale = _SCALE.match(piece, end)
        end = scale.end() if scale else end
        yield Term(start, end, piece[start:end], None if unreadable else value(written))


def is_range(written: str) -> bool:
    """Whether two or three numbers with dashes or slashes are a range or a date: "3-4", "2024-05-01"."""
    return _NO_NUMBER.fullmatch(written) is not None


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
