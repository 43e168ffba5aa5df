"""Answers that are an API request, such as `API-Request: [Weather(city='Rome')]`."""

import ast
import re
import warnings
from collections.abc import Sequence

from sppl.benchmarks.answers.reading import ANSWER, FINAL, after_last, lines
from sppl.benchmarks.answers.verdict import Row, Verdict, given, verdict

Request = tuple[str, tuple[tuple[str, str], ...]]
"""A name and its arguments, sorted by name."""

LONGEST = 4000
"""Characters of the request that are read."""

_LABEL = re.compile(r"api\\?[-_ ]?request[*_`]{0,3}\s{0,3}[:：][*_`]{0,3}\s{0,3}", re.IGNORECASE)
_CALL = re.compile(r"([A-Za-z_]\w{0,100})\(")
_NEXT = re.compile(r",\s{0,20}(?=[A-Za-z_]\w{0,100}\s{0,3}=)")
_QUOTES = "'\"`“”‘’"


def request(text: str) -> Request | None:
    """The request an answer makes, None where it makes none or several.

    It is read after the last "Final Answer:", else after the last "API-Request:", else after "answer:", else from the
    first line with a call. It may go over several lines; what stands around it does not matter.
    """
    marks = (after_last(mark, text) for mark in (FINAL, _LABEL, ANSWER))
    part = "\n".join(lines(next((found for found in marks if found is not None), text)))
    first = _CALL.search(part)
    if first is None:
        return None
    end = _closing(part, first.end())
    if end is None or _CALL.search(part[end:].partition("\n")[0]):
        return None
    return _parsed(first[1], part[first.end() : end])


def _closing(text: str, start: int) -> int | None:
    """Where the bracket closes that opened before `start`; brackets inside count, quotes do not."""
    depth = 1
    for at in range(start, min(len(text), start + LONGEST)):
        depth += (text[at] == "(") - (text[at] == ")")
        if depth == 0:
            return at
    return None


def _parsed(name: str, inner: str) -> Request | None:
    """The arguments of a call, each `name=value`; None where one has no name or a name comes twice."""
    parts = [part.partition("=") for part in _NEXT.split(inner)] if inner.strip() else []
    pairs = {key.strip(): _value(value) for key, equals, value in parts if equals}
    return (name, tuple(sorted(pairs.items()))) if len(pairs) == len(parts) else None


def _value(written: str) -> str:
    """A value as text: without the quotes around it, a list or a number as Python writes it; nothing is run."""
    written = " ".join(written.split())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return " ".join(str(ast.literal_eval(written)).split())
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        quoted = len(written) > 1 and written[0] in _QUOTES and written[-1] in _QUOTES
        return written[1:-1] if quoted else written


def judge(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the request is the gold one: same name, same arguments with the same values, in any order.

    Nothing is executed and nothing is forgiven inside a value; quotes and white space around it do not matter.
    """
    value = request(given(texts))
    return verdict(value is not None and value == request(str(row["answer"])))
