"""How responses are scored: settings only, so that reading a configuration loads no model code."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Scoring:
    """Settings of the scorer.

    Args:
        max_tokens: tokens of one forward pass, padding included; it does not change any score.
        form: how a pass is run (`tree`, `padded`), `auto` for the cheapest that is exact; it does not change any score.
        end: whether ending the response (its EOS) is scored as one more token.
        overlong: what happens to a prompt and response longer than the target can read: `error` before any work, `skip`
            leaves the question out for all strategies, `truncate_left` cuts the prompt's beginning. Either is counted
            in the report.
    """

    max_tokens: int = field(default=4096, metadata={"identity": False})
    form: Literal["auto", "tree", "padded"] = field(default="auto", metadata={"identity": False})
    end: bool = False
    overlong: Literal["error", "skip", "truncate_left"] = "error"
