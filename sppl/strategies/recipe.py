"""What a response generation strategy is: who answers, what they see, what they are asked."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """A response generation strategy.

    Args:
        name: the word tables and leaves use.
        summary: one line for people: who writes the responses, and how.
        aliases: other names of the same strategy in records and files.
        ranked: whether it competes; a reference such as the bare gold label is trained and shown, never ranked.
    """

    name: str
    summary: str
    aliases: tuple[str, ...] = ()
    ranked: bool = True
