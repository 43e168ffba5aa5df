"""Draws the strategy that a question's response is taken from."""

from collections.abc import Sequence
from hashlib import sha256


def draw_strategy(question_id: str, names: Sequence[str]) -> str:
    """Returns one of the names, each equally likely over questions; the same question id always gives the same."""
    ordered = sorted(names)
    return ordered[int(sha256(question_id.encode()).hexdigest(), 16) % len(ordered)]
