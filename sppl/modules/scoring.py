"""How responses are scored: settings only, so that reading a configuration loads no model code."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scoring:
    """Settings of the scorer.

    Args:
        max_tokens: tokens of one forward pass, padding included; it does not change any score.
        end: whether ending the response (its EOS) is scored as one more token.
    """

    max_tokens: int = 4096
    end: bool = False
