"""What every judge receives and returns, and where in a text it looks for the answer."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
"""One question as lm-eval hands it over: `id`, `prompt`, `answer` (gold) and the question's further fields."""

Verdict = dict[str, float]
"""`accuracy` (0.0 or 1.0), and what else the rule measures, as fractions."""

# Bounded repetitions only: these run over whatever a model wrote, so they must stay linear in its length.
_STARS = r"[*_ \t]{0,4}"
FINAL = re.compile(rf"final[ \t]{{1,4}}answer{_STARS}(?:is{_STARS})?[:：]{_STARS}", re.IGNORECASE)
ANSWER = re.compile(rf"\banswer{_STARS}(?:is\b{_STARS}[:：]?|[:：]){_STARS}", re.IGNORECASE)


def verdict(correct: bool) -> Verdict:
    """The verdict of an answer that is wholly right or wholly wrong."""
    return {"accuracy": float(correct)}


def given(texts: Sequence[str]) -> str:
    """The one text to judge; empty where the model gave nothing."""
    return texts[0] if texts else ""


def after_last(mark: re.Pattern[str], text: str) -> str | None:
    """What follows the last occurrence of a mark, None where it does not occur."""
    found = None
    for found in mark.finditer(text):
        pass
    return None if found is None else text[found.end() :]


def answer_part(text: str) -> str | None:
    """What follows the last "Final Answer:", else the last "answer:" or "answer is"; None without such a mark."""
    part = after_last(FINAL, text)
    return after_last(ANSWER, text) if part is None else part


def lines(text: str) -> list[str]:
    """The lines that hold more than white space, trimmed."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def answer_line(text: str) -> str:
    """The line that holds the answer: the first after the last mark, without a mark the last; empty if there is none.

    Several final answers: the last one counts. A mark with nothing after it is an empty answer.
    """
    part = answer_part(text)
    found = lines(text if part is None else part)
    return "" if not found else found[-1 if part is None else 0]


def bare(line: str) -> str:
    """A line without the markup around it: emphasis, quotes, LaTeX's dollar signs, `boxed` and `text`, a full stop."""
    for _ in range(4):
        line = line.strip(" \t*_`\"'“”‘’$").removesuffix(".")
        wrapped = re.fullmatch(r"\\(?:boxed|text|textbf|mathrm)\{([^{}]{0,400})\}", line)
        if wrapped is None:
            break
        line = wrapped[1]
    return line.strip(" \t*_`\"'“”‘’$")
