"""Which of several strategies a question's response is taken from."""

from collections.abc import Sequence
from hashlib import sha256


def draw_strategy(question_id: str, names: Sequence[str]) -> str:
    """One of the names, all equally likely over questions; the same for the same id, whatever else is asked."""
    ordered = sorted(names)
    return ordered[int(sha256(question_id.encode()).hexdigest(), 16) % len(ordered)]
