r"""Answers that are numbers: the last boxed or the last number of the answer's line.

What counts as the same number: exact equality for fractions, 1e-9 relative where a root or pi is in it; a decimal with
at least two places also stands for any value that rounds to it, in either direction (3.33 for 10/3); a percentage is
right in either reading (50% is 50 and 0.5). Digits of any script count; numbers in words do not.
"""

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from fractions import Fraction

from sppl.benchmarks.answers.arithmetic import Number, value
from sppl.benchmarks.answers.verdict import FINAL, Row, Verdict, after_last, given, lines, verdict

LONGEST = 4000
"""Characters of a line that are read, from its end."""

# A number, a fraction of two, or LaTeX's fraction or root, each with what may belong to it in front and behind.
_NUMBER = re.compile(
    r"(?<![\w.])[-–]?\$?(?:\d{1,40}\s)?"
    r"(?:\\[dt]?frac\{[^{}]{1,40}\}\{[^{}]{1,40}\}|\d{0,20}\\sqrt\{[^{}]{1,40}\}|\d[\d,]*(?:\.\d+)?(?:/\d{1,40})?|\.\d{1,40})"
    r"\s?\\?%?"
)
_ANY = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:/\d{1,40})?\s?\\?%?")
_HASHES = re.compile(r"####[ \t]{0,4}([-+]?\d{1,40})(?![\d.,/])")
_PLACES = re.compile(r"\.(\d{2,40})(?!\d)")
_SCRIPTS = {"٫": ".", "٬": ",", "，": ",", "．": ".", "％": "%", "٪": "%", "−": "-", "－": "-", "⁄": "/"}


def number(text: str) -> str | None:
    """The number an answer gives, as it is written; None where it gives none.

    After a "Final Answer:" the first line with a number is read: its last boxed expression, else the line itself if it
    is an expression, else its last number. Without that mark the last boxed expression of the text counts, else the
    last line with a number in the same way. Several final answers: the last one counts.
    """
    part = after_last(FINAL, text)
    if part is None:
        boxed = _last_boxed(text[-LONGEST:])
        candidates = [f"\\boxed{{{boxed}}}"] if boxed is not None else lines(text)[::-1]
    else:
        candidates = lines(part)
    return next((found for found in map(_in_line, candidates) if found is not None), None)


def _in_line(line: str) -> str | None:
    line = _western(line[-LONGEST:])
    boxed = _last_boxed(line)
    line = (line if boxed is None else boxed).strip("*_` ")
    if value(line) is not None:
        return line
    return _last_number(line)


def same(one: str, other: str) -> bool:
    """Whether two written numbers are the same by the rule at the top of this file."""
    return any(_close(a, b) or _rounds(one, a, b) or _rounds(other, b, a) for a in _readings(one) for b in _readings(other))


def after_hashes(text: str) -> str | None:
    """The whole number right after the last `####`, None where there is none."""
    _, mark, rest = text.rpartition("####")
    found = _HASHES.match(mark + _western(rest[:100]))
    return found[1] if found else None


def judge(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the answer's number is the gold one; a gold answer may be a number or a LaTeX expression."""
    written = number(given(texts))
    return verdict(written is not None and same(written, _western(str(row["answer"]))))


def judge_hashes(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the whole number right after the last `####` is the gold one (the lab's rule); else wrong."""
    written = after_hashes(given(texts))
    return verdict(written is not None and same(written, str(row["answer"])))


def _readings(written: str) -> Iterator[Number]:
    plain = value(written)
    if plain is not None:
        yield plain
        if "%" in written:
            yield plain / 100


def _close(one: Number, other: Number) -> bool:
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return one == other
    return math.isclose(one, other, rel_tol=1e-9)


def _rounds(written: str, given_value: Number, exact: Number) -> bool:
    """Whether the written decimal is the exact value rounded to its places (half either way)."""
    places = _PLACES.search(written)
    if places is None or given_value == 0 or "%" in written:
        return False
    return abs(Fraction(given_value) - Fraction(exact)) <= Fraction(1, 2 * 10 ** len(places[1]))


def _last_boxed(line: str) -> str | None:
    r"""What the last `\boxed{...}` holds, with braces inside it counted, None where there is none or it never ends."""
    _, mark, rest = line.rpartition("\\boxed{")
    depth = 1
    for end, character in enumerate(rest if mark else ""):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return rest[:end]
    return None


def _last_number(line: str) -> str | None:
    found = [*_NUMBER.finditer(line)] or [*_ANY.finditer(line)]
    if not found:
        return None
    written = found[-1][0].replace("$", "").strip().rstrip(",")
    return re.sub(r"(?<=\d)\s(?=\d|\\)", "+", written) if not written.startswith("-") else written


def _western(text: str) -> str:
    """The text with digits of other scripts, full-width signs and vulgar fractions written in ASCII."""
    if text.isascii():
        return text
    return "".join(_SCRIPTS.get(character) or _digit(character) for character in text)


def _digit(character: str) -> str:
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.decimal(character))
    parts = unicodedata.decomposition(character).split()
    if parts[:1] == ["<fraction>"]:
        return " " + "".join(chr(int(part, 16)) for part in parts[1:]).replace("⁄", "/")
    return character
