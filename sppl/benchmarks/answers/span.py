"""Answers that are a few words, compared as SQuAD does."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from sppl.benchmarks.answers.numerals import ungrouped
from sppl.benchmarks.answers.reading import answer_line, bare
from sppl.benchmarks.answers.verdict import Row, Verdict, given

LONGEST = 5000
"""Characters of the answer's line that are read."""

_DASHES = re.compile(r"[-‐-―/]")
_MINUS = re.compile(r"(?<![^\s$€£])[-‐-―−][$€£]?(?=\.?\d)")
_NUMBER = re.compile(r"[-+]?\d{1,30}(?:\.\d{1,30})?")


def tokens(text: str) -> list[str]:
    """The words compared: lower case, without accents of width, punctuation and the articles a, an, the.

    Dashes and slashes part words ("28-yard" is "28 yard"), a colon parts digits; a number loses its separators of
    thousands and idle zeros ("1,000.0" is "1000") and keeps its minus sign. What is nothing but articles or signs is
    compared as it stands.
    """
    text = ungrouped(unicodedata.normalize("NFKC", text).replace("’", "'")).casefold()
    marked = _DASHES.sub(" ", _MINUS.sub("\0", text)).replace("\0", "-")
    parts = [_word(word) for word in re.sub(r"(?<=\d)[,:](?=\d)", " ", marked).split()]
    words = [word for word in parts if word and word not in {"a", "an", "the"}]
    return words or [word for word in parts if word] or text.split()


def _word(word: str) -> str:
    trimmed = word.strip(".,;:!?'\"()[]$€£%")
    if _NUMBER.fullmatch(trimmed):
        number = Fraction(trimmed)
        return str(number.numerator) if number.denominator == 1 else f"{float(number):.12g}"
    return "".join(mark for mark in word if unicodedata.category(mark)[0] not in "PC")


def f1(given_words: Sequence[str], gold_words: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of the words, a fraction; 1 for two empty answers."""
    if not given_words or not gold_words:
        return float(given_words == gold_words)
    shared = sum((Counter(given_words) & Counter(gold_words)).values())
    return 2 * shared / (len(given_words) + len(gold_words))


def judge(row: Row, texts: Sequence[str]) -> Verdict:
    """`accuracy` (exact match) and `f1`, the best over the gold answers; an answer without words is wrong.

    Gold answers are the row's `answers` (a list) and its `answer`. Source of the comparison: arXiv 1606.05250.
    """
    words = tokens(bare(answer_line(given(texts))[:LONGEST]))
    golds = [tokens(str(gold)) for gold in (row["answer"], *(row.get("answers") or ()))]
    if not words:
        return {"accuracy": 0.0, "f1": 0.0}
    return {"accuracy": float(words in golds), "f1": max(f1(words, gold) for gold in golds)}
