r"""Gold answers of a user's own questions: each kind read by one rule, or refused where no response could meet it.

All kinds: where there is a "####", what follows the last one counts.

`number`: what the last `\boxed{}` holds, if there is one; without emphasis, dollar signs and a full stop. A number or
an expression of numbers stays (`3/4`, `\frac{3}{4}`, `50%`), with one kind of minus sign and no spaces between
thousands, `3½` as `3+1/2` and `7²` as `7^2`. Where there are words, the one number among them counts ("72 clips" is 72,
"1.5 million people" is "1.5 million"); several numbers, and what no number is ("0x1F", "log 5"), are refused.

`choice`: a label, `B`, `(B)`, `B.` or `b`, or the text of exactly one option; digits count from 1. What is a label and
at the same time another option's text is refused.

`text`: one line with a letter or a digit in it.
"""

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from sppl.data.problems import shorten

ANSWERS = ("choice", "number", "text", "none")
"""What an answer can be; of `none` there is no gold answer."""

LETTERS, DIGITS = "ABCDEFGHIJ", "123456789"
"""The labels of options; a gold answer that is a digit counts from 1."""

_SPACES = "[ \u00a0\u2009\u202f]"
_MINUS = re.compile("[‐‑‒–—−]")
_THOUSANDS = re.compile(rf"(?<![\d.,])\d{{1,3}}(?:(?:{_SPACES}\d{{3}})+|(?:\{{,\}}\d{{3}})+)(?![\d,])")
_UNIT = re.compile(r"\\(?:text|mathrm|textbf)\s?\{[^{}]*\}")
_EXPRESSION = re.compile(r"(?:\\[a-zA-Z]+|\\[,;:! %$]|[\d\s.,/+\-*^(){}\[\]%=$€£π√°×·÷])+")
_NUMBER = re.compile(
    r"(?<![\w.^])[-+]?[$€£]?(?:\d+\s+\d+/\d+|(?:\d[\d,]*)(?:\.\d+)?(?:[eE][-+]?\d+\b)?(?:/\d+)?|\.\d+)\s?%?"
)
_PARTS = re.compile(r"(\d?)\s?([¼½¾⅐-⅞])")
_RAISED = re.compile(r"(?<=[\d)])[⁰¹²³⁴-⁹]+")
_SCALE = re.compile(r"\s?(?:hundred|thousand|million|billion|trillion|dozen)\b|[kKM]\b", re.IGNORECASE)
_OTHERWISE = re.compile(r"(?:\b(?:log|ln|sin|cos|tan|exp|sqrt|max|min|gcd|lcm)[ (]*|[|<>≤≥±]\s*)$", re.IGNORECASE)
_POWER = re.compile(r"\d+(?:\.\d+)?[eE][-+]?\d{1,2}")
_GROUPED = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+(?![\d,])")
_LABEL = re.compile(r"\(?(?:option )?([A-J]|[1-9])[).:]?", re.IGNORECASE)


class BadGold(Exception):
    """A gold answer that no response can meet; the message says why."""


def read_gold(kind: str, written: str, options: Sequence[str] = ()) -> str:
    """Returns the gold answer in the form that the rule of its kind compares, as described at the top of this file.

    Args:
        kind: `number`, `choice` or `text`.
        options: the options' texts, where known.

    Raises:
        BadGold: it cannot be met.
    """
    text = written.rpartition("####")[2].strip()
    if not text:
        raise BadGold(f"nothing follows the #### of {shorten(written)}" if "####" in written else "it is empty")
    if kind == "number":
        return read_number(text)
    return read_choice(text, options) if kind == "choice" else _line(text)


def read_number(written: str) -> str:
    """Returns the number or expression that a text gives.

    Raises:
        BadGold: it gives none, or several.
    """
    boxed = last_boxed(written)
    text = _UNIT.sub("", _MINUS.sub("-", boxed or written)).strip("*_`$ \t\r\n").removesuffix(".").rstrip("$ ")
    text = _PARTS.sub(lambda one: f"{one[1]} {unicodedata.normalize('NFKC', one[2])}".replace("⁄", "/").strip(), text)
    text = _RAISED.sub(lambda one: "^" + unicodedata.normalize("NFKC", one[0]), text)
    text = _THOUSANDS.sub(lambda found: re.sub(r"\D", "", found[0]), text)
    if not _EXPRESSION.fullmatch(text) or re.search(r"\d\s+\d", text):
        text = re.sub(r"(?<=\d)\s+(?=\d)", "+", _one_of_words(text, written))
        text = _POWER.sub(lambda one: format(Decimal(one[0]), "f"), text)
    if not any(mark.isdigit() or mark == "π" for mark in text) and "\\pi" not in text:
        raise BadGold(f"{shorten(written)} is no number (benchmark.answer=number)")
    if re.search(r"(?<!\\),", _GROUPED.sub("", text)):
        raise BadGold(f"{shorten(written)}: commas part groups of three digits, decimals stand after a point")
    return text


def _one_of_words(text: str, written: str) -> str:
    """The one number among words, with "million" and the like behind it."""
    found = [*_NUMBER.finditer(text)]
    if len(found) == 1:
        before, after = text[: found[0].start()], text[found[0].end() :]
        scale = _SCALE.match(after)
        if not _OTHERWISE.search(before) and not re.match(r"[xX^][\dA-Fa-f]|\s*[|<>±]", after):
            word = scale[0].strip() if scale and scale[0] != "m" else ""
            return found[0][0].strip() + (" " if len(word) > 1 else "") + word
        found = []
    what = f"holds {len(found)} numbers ({', '.join(one[0].strip() for one in found[:5])})" if found else "is no number"
    raise BadGold(f"{shorten(written)} {what}; a gold answer is one number (benchmark.answer=number)")


def read_choice(written: str, options: Sequence[str]) -> str:
    """Returns the label that a text gives: itself, or that of the one option it spells out.

    Raises:
        BadGold: it gives none, or one label by itself and another as an option's text.
    """
    text = written.strip("*_` \t\r\n")
    named = _LABEL.fullmatch(text)
    label = named[1].upper() if named else ""
    labels = (DIGITS if label.isdigit() else LETTERS)[: len(options) or None]
    spelled = [LETTERS[at] for at, option in enumerate(options) if option.strip() == text and at < len(LETTERS)]
    if label and label in labels:
        if spelled and labels.index(label) != LETTERS.index(spelled[0]):
            raise BadGold(f"{shorten(written)} is the label of one option and the text of another; write {spelled[0]}")
        return label
    if len(spelled) == 1:
        return spelled[0]
    if spelled:
        raise BadGold(f"{shorten(written)} is the text of the options {', '.join(spelled)}; write a label")
    known = (DIGITS if text.isdigit() else LETTERS)[: len(options) or None]
    counted = "; digits count from 1, so a place counted from 0 needs 1 added" if text == "0" else ""
    raise BadGold(f"{shorten(written)} is no label of {known}{counted} (benchmark.answer=choice)")


def _line(text: str) -> str:
    if len(text.splitlines()) > 1:
        raise BadGold(f"{shorten(text)} holds several lines, and one line is compared (benchmark.answer=text)")
    if not any(map(str.isalnum, text)):
        raise BadGold(f"{shorten(text)} holds no letter or digit to compare (benchmark.answer=text)")
    return text


def last_boxed(text: str) -> str:
    r"""Returns the content of the last `\boxed{...}`, inner braces kept; empty where there is none."""
    start = text.rfind("\\boxed{")
    depth, begin = 0, start + len("\\boxed{")
    for at in range(begin, len(text)) if start >= 0 else ():
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth < 0:
            return text[begin:at].strip()
    return ""
