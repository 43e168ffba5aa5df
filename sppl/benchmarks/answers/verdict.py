"""What every judge receives and returns."""

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
"""One question as lm-eval hands it over: `id`, `prompt`, `answer` (gold) and the question's further fields."""

Verdict = dict[str, float]
"""`accuracy` (0.0 or 1.0), and what else the rule measures, as fractions."""


def verdict(correct: bool) -> Verdict:
    """The verdict of an answer that is wholly right or wholly wrong."""
    return {"accuracy": float(correct)}


def given(texts: Sequence[str]) -> str:
    """The one text to judge; empty where the model gave nothing."""
    return texts[0] if texts else ""
