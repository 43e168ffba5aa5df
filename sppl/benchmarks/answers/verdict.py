"""What every judge receives and returns."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
"""One question as lm-eval hands it over: `id`, `prompt`, `answer` (gold) and the question's further fields."""

Verdict = dict[str, float]
"""`accuracy` (0.0 or 1.0), and what else the rule measures, as fractions."""

LONGEST = 200_000
"""Characters of a text that are read, from its end."""

_TAG = r"(?:think|thinking|thoughts?|reasoning)"
_THOUGHT = re.compile(rf"[<\[◁]/{_TAG}[>\]▷]|<\|channel\|>final<\|message\|>", re.IGNORECASE)
_THINKING = re.compile(rf"[<\[◁]{_TAG}[>\]▷]", re.IGNORECASE)


def verdict(correct: bool) -> Verdict:
    """The verdict of an answer that is wholly right or wholly wrong."""
    return {"accuracy": float(correct)}


def given(texts: Sequence[str]) -> str:
    """The one text to judge, without what the model thought before it; empty where it gave nothing.

    A thought ends at the last `</think>` (or `[/THINK]`, `</reasoning>`); one that never ends is followed by no answer.
    """
    text = texts[0] if texts else ""
    text = text[max((thought.end() for thought in _THOUGHT.finditer(text)), default=0) :]
    thinking = _THINKING.search(text)
    return (text[: thinking.start()] if thinking else text)[-LONGEST:]
