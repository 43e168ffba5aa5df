r"""The value of a written number or a short numeric expression, plain or LaTeX: `-1,234.5`, `3/4`, `\frac{3\pi}{2}`."""

import math
import re
from fractions import Fraction
from functools import partial

from sppl.benchmarks.answers.numerals import western

Number = Fraction | float

LONGEST = 200
"""Characters of an expression that are read; a longer one has no value."""

DEEPEST = 20
"""How deep brackets may nest."""

HIGHEST = 10**60
"""Values beyond it count as unreadable, so that `9^9^9^9` costs nothing."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d[\d,]*(?:\.\d+)?|\.\d+)|(?P<name>\\[a-zA-Z]+|π|pi\b|√)|(?P<sign>\*\*|[-+*/^(){}\[\]×·÷%])|(?P<bad>\S))"
)


def value(written: str) -> Number | None:
    """The value of an expression: exact where it is rational, a float where it holds a root or pi; None if unreadable.

    Only + - * / ^, brackets, fractions, roots, pi, percent signs and numbers as `numerals.py` spells them are read;
    nothing is evaluated as code. Of "a = b = c" the last part counts; units in LaTeX text are dropped.
    """
    if len(written) > LONGEST:
        return None
    text = western(written).rpartition("=")[2].strip().rstrip(".")
    tokens = [(found.lastgroup or "", found[found.lastgroup or 0]) for found in _TOKEN.finditer(text)]
    reader = _Reader(tokens)
    try:
        result = reader.sum(0)
        return result if reader.at == len(tokens) and abs(result) < HIGHEST else None
    except (ValueError, ArithmeticError):
        return None


class _Reader:
    """One pass of recursive descent over the tokens; ValueError where they are no expression."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens, self.at = tokens, 0

    def peek(self, *texts: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at][1] in texts

    def take(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise ValueError("the expression ends early")
        self.at += 1
        return self.tokens[self.at - 1]

    def sum(self, depth: int) -> Number:
        total = self.product(depth)
        while self.peek("+", "-"):
            total = total + self.product(depth) if self.take()[1] == "+" else total - self.product(depth)
        return total

    def product(self, depth: int) -> Number:
        sign = 1
        while self.peek("+", "-"):
            sign = -sign if self.take()[1] == "-" else sign
        total = self.power(depth)
        while self.at < len(self.tokens):
            if self.peek("*", "×", "·", r"\cdot", r"\times"):
                self.take()
                total = total * self.signed(depth)
            elif self.peek("/", "÷", r"\div"):
                self.take()
                total = total / self.signed(depth)
            elif self.mixed(total):
                total = total + self.power(depth)
            elif self.peek("(", r"\sqrt", "√", r"\pi", "π", "pi"):
                total = total * self.power(depth)
            else:
                break
        return sign * total

    def mixed(self, total: Number) -> bool:
        r"""Whether a LaTeX fraction follows a whole number directly: 3\frac{1}{2} is three and a half."""
        before = self.tokens[self.at - 1][0] == "number"
        return before and self.peek(r"\frac", r"\dfrac", r"\tfrac") and total == int(total)

    def signed(self, depth: int) -> Number:
        if self.peek("-"):
            self.take()
            return -self.power(depth)
        return self.power(depth)

    def power(self, depth: int) -> Number:
        base = self.atom(depth)
        if self.peek("%"):
            self.take()
        if self.peek("^", "**"):
            self.take()
            exponent = self.signed(depth + 1)
            if abs(exponent) > 60 or abs(base) > 10**30:
                raise ValueError("too large")
            raised = base**exponent
            if isinstance(raised, complex):
                raise ValueError("not real")
            return raised
        return base

    def atom(self, depth: int) -> Number:
        if depth > DEEPEST:
            raise ValueError("nested too deep")
        kind, text = self.take()
        if kind == "number":
            return _plain(text)
        if text in {"(", "{", "["}:
            inner = self.sum(depth + 1)
            if self.take()[1] != {"(": ")", "{": "}", "[": "]"}[text]:
                raise ValueError("brackets do not match")
            return inner
        if text in {r"\frac", r"\dfrac", r"\tfrac"}:
            above = self.argument(depth)
            return above / self.argument(depth)
        if text in {r"\sqrt", "√"}:
            degree = self.atom(depth + 1) if self.peek("[") else Fraction(2)
            return _root(self.argument(depth), degree)
        if text in {r"\pi", "π", "pi"}:
            return math.pi
        raise ValueError(f"no number: {text}")

    def argument(self, depth: int) -> Number:
        r"""A LaTeX argument: a group, or one digit, of which `\frac12` takes two."""
        if self.at < len(self.tokens) and self.tokens[self.at][0] == "number":
            text = self.tokens[self.at][1]
            if text.isdigit() and len(text) > 1 and self.tokens[self.at - 1][1] != "√":
                self.tokens[self.at] = ("number", text[1:])
                return Fraction(text[0])
        return self.atom(depth + 1)


def _plain(text: str) -> Fraction:
    """A plain number; a comma that is left parts no thousands, and "000" is the rest of one."""
    if "," in text or len(text) > 60 or (len(text) > 1 and not text.strip("0")):
        raise ValueError("commas elsewhere than between thousands, nothing but zeros, or too long")
    return Fraction(text)


def _root(radicand: Number, degree: Number) -> Number:
    if radicand < 0 or degree != int(degree) or not 1 <= degree <= 60:
        raise ValueError("no real root")
    if isinstance(radicand, Fraction):
        exact = partial(_exact_root, degree=int(degree))
        above, below = exact(radicand.numerator), exact(radicand.denominator)
        if above is not None and below is not None:
            return Fraction(above, below)
    return float(radicand) ** (1 / float(degree))


def _exact_root(whole: int, degree: int) -> int | None:
    near = round(whole ** (1 / degree)) if whole < 10**30 else -1
    return near if near >= 0 and near**degree == whole else None
