"""Answers that are numbers."""

import re
from collections.abc import Sequence
from fractions import Fraction

from sppl.benchmarks.answers.verdict import Row, Verdict, given, verdict

HASHES = re.compile(r"####[ \t]*([-+]?\d{1,40})(?![\d.,/])")


def after_hashes(text: str) -> Fraction | None:
    """The whole number right after the last `####`, None where there is none."""
    _, mark, rest = text.rpartition("####")
    found = HASHES.match(mark + rest)
    return Fraction(found[1]) if found else None


def judge_hashes(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the number after the last `####` is the gold one (the lab's rule)."""
    value = after_hashes(given(texts))
    return verdict(value is not None and value == after_hashes(f"#### {row['answer']}"))


LAST = re.compile(r"-?\d[\d,]{0,40}(?:\.\d{1,40})?")


def judge(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the last number is the gold one."""
    found = LAST.findall(given(texts))
    return verdict(bool(found) and Fraction(found[-1].replace(",", "")) == Fraction(str(row["answer"])))
