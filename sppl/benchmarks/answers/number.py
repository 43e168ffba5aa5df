"""Answers that are numbers.

What counts as the same number: exact equality for fractions, 1e-9 relative where a root or pi is in it; a decimal with
at least two places also stands for any value that rounds to it, in either direction (3.33 for 10/3); a percentage is
right in either reading (50% is 50 and 0.5); "4 million" is 4,000,000, and 4 where the question itself speaks of
millions. Digits of any script count; numbers in words do not.
"""

import math
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from sppl.benchmarks.answers.arithmetic import Number, value
from sppl.benchmarks.answers.numerals import SCALES, western
from sppl.benchmarks.answers.reading import FINAL, Part, answer_part, last_boxed, plain, without_marks
from sppl.benchmarks.answers.sentence import AMBIGUOUS, number_in
from sppl.benchmarks.answers.verdict import Row, Verdict, given, verdict

LONGEST = 2000
"""Characters of a line that are read: the first ones after a mark, the last ones of a text without any."""

_HASHES = re.compile(r"^####[ \t]{0,4}([-+$]{0,2}\d[\d.,' ]{0,40})\.?[ \t]*$", re.MULTILINE)
_LISTED = re.compile(r"\s*(?:1\.|\d{1,2}\))\s+(?=[-(]?\d)")
_WHOLE = re.compile(r"[-+]?\d{1,40}")
_PLACES = re.compile(r"\.(\d{2,40})(?!\d)")
_SCALE = re.compile(rf"(?:\s?(?:{'|'.join(SCALES)})s?){{1,2}}$", re.IGNORECASE)
_WORD = re.compile("|".join(SCALES), re.IGNORECASE)


def number(text: str) -> str | None:
    """The number an answer gives, as `numerals.western` spells it; None where it gives none, or several.

    After a mark the first line with a number is read, without one the last; GSM8K's closing line "#### 72" is a mark
    too. In the line, `sentence.number_in` says which of its numbers counts.
    """
    text = plain(text)
    closing = None if FINAL.search(text) else [*_HASHES.finditer(text)]
    part = Part([closing[-1][1]], "final") if closing else answer_part(text)
    if part.mark == "answer" and not any(map(str.isdigit, part.lines[0] if part.lines else "")):
        part = without_marks(text)
    for line in part.lines:
        box = last_boxed(line)
        line = line if box is None else box
        line = western(line[-LONGEST:] if part.mark == "none" else line[:LONGEST])
        written = number_in(_LISTED.sub("", line), last=part.mark == "none")
        if written is not None:
            return None if written == AMBIGUOUS else written
    return None


def same(one: str, other: str, asked: str = "") -> bool:
    """Whether two written numbers are the same by the rule at the top of this file; `asked` is the question."""
    return any(
        _close(a, b) or _rounds(one, a, b) or _rounds(other, b, a)
        for a in _readings(one, asked)
        for b in _readings(other, asked)
    )


def after_hashes(text: str) -> str | None:
    """The whole number right after the last `####`, on its line; None where there is none."""
    _, mark, rest = text.rpartition("####")
    line = western(plain(rest).split("\n")[0][:LONGEST]).strip() if mark else ""
    written = number_in(line, last=False) if re.match(r"[-+]?\d", line) else None
    return written if written and _WHOLE.fullmatch(written) else None


def judge(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the answer's number is the gold one; a gold answer may be a number or a LaTeX expression."""
    written = number(given(texts))
    return verdict(written is not None and same(written, str(row["answer"]), str(row.get("prompt") or "")))


def judge_hashes(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the whole number right after the last `####` is the gold one (the lab's rule); else wrong."""
    written = after_hashes(given(texts))
    return verdict(written is not None and same(written, str(row["answer"])))


def _readings(written: str, asked: str) -> Iterator[Number]:
    written = western(written).strip()
    scale = _SCALE.search(written)
    plain_value = value(written[: scale.start()] if scale else written)
    if plain_value is None:
        return
    words = [word.casefold() for word in _WORD.findall(scale[0])] if scale else []
    yield plain_value * math.prod(SCALES[word] for word in words)
    if all(word in asked.casefold() for word in words):
        yield plain_value
    if "%" in written:
        yield plain_value / 100


def _close(one: Number, other: Number) -> bool:
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return one == other
    return math.isclose(one, other, rel_tol=1e-9)


def _rounds(written: str, given_value: Number, exact: Number) -> bool:
    """Whether the written decimal is the exact value rounded to its places (half either way)."""
    places = _PLACES.search(written)
    if places is None or given_value == 0 or "%" in written or _SCALE.search(written):
        return False
    return abs(Fraction(given_value) - Fraction(exact)) <= Fraction(1, 2 * 10 ** len(places[1]))
