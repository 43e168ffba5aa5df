"""Reads values of data files as text."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

EXACT = 2**53
"""Whole numbers up to this one are exact as floats."""


class NotText(Exception):
    """A value that is no text and no number; the message says what it is."""


def text_of(value: Any) -> str:
    """Returns a value as text: 42 for 42 and for 42.0, never 4.2e1; empty for null and NaN.

    A column of whole numbers with a gap in it is a column of floats to most tools, and the gap is NaN.

    Raises:
        NotText: it is a boolean, a list, an infinite number or anything else, or a lone surrogate.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise NotText("it holds half of a character (a lone surrogate)") from None
        return value
    if isinstance(value, bool):
        raise NotText(f"text is wanted, this is the boolean {str(value).lower()}")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        return _number(value)
    raise NotText(f"text is wanted, this is a {type(value).__name__}")


def _number(value: float | Decimal) -> str:
    if math.isnan(value):
        return ""
    if math.isinf(value):
        raise NotText(f"text is wanted, this is the number {value}")
    if value == int(value) and abs(value) <= EXACT:
        return str(int(value))
    return format(Decimal(str(value)), "f")


def texts_of(value: Any) -> list[str]:
    """Returns the texts of a list of texts or numbers.

    Raises:
        NotText: it is no list, or one entry is no text or empty; the message says which.
    """
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise NotText(f"a list of strings is wanted, this is a {type(value).__name__}")
    found = []
    for place, part in enumerate(value, start=1):
        try:
            text = text_of(part)
        except NotText as bad:
            raise NotText(f"a list of strings is wanted; entry {place}: {bad}") from None
        if not text.strip():
            raise NotText(f"a list of strings is wanted, entry {place} is empty")
        found.append(text)
    return found
