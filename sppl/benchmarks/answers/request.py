"""Answers that are an API request, such as `API-Request: [Weather(city='Rome')]`."""

import ast
import re
import warnings
from collections.abc import Sequence

from sppl.benchmarks.answers.reading import FINAL, after_last, lines
from sppl.benchmarks.answers.verdict import Row, Verdict, given, verdict

Request = tuple[str, tuple[tuple[str, str], ...]]
"""A name and its arguments, sorted by name."""

LONGEST = 4000
"""Characters of the request's line that are read."""

_LABEL = re.compile(r"(?:api[-_ ]?request)\s{0,3}[:：]\s{0,3}", re.IGNORECASE)


def request(text: str) -> Request | str | None:
    """The request an answer makes: parsed, or its bare text where it does not parse; None where there is none.

    It is read after the last "Final Answer:", else after the last "API-Request:", else from the first line.
    """
    part = after_last(FINAL, text)
    if part is None:
        part = after_last(_LABEL, text)
    found = lines(text if part is None else part)
    line = _LABEL.sub("", found[0][:LONGEST].strip("`* \t"), count=1) if found else ""
    line = line.strip().removeprefix("[").removesuffix("]").strip()
    return (_parsed(line) or " ".join(line.split())) if line else None


def _parsed(call: str) -> Request | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(call, mode="eval").body
            if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name) or tree.args:
                return None
            pairs = {word.arg or "": str(ast.literal_eval(word.value)) for word in tree.keywords}
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
    return tree.func.id, tuple(sorted(pairs.items()))


def judge(row: Row, texts: Sequence[str]) -> Verdict:
    """Right if the request is the gold one: same name, same arguments with the same values, in any order.

    Nothing is executed and nothing is forgiven inside a value; kinds of quotes and white space around do not matter.
    """
    value = request(given(texts))
    return verdict(value is not None and value == request(str(row["answer"])))
