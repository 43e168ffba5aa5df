"""The settings of scoring, in a file of their own so that reading a configuration loads no model code."""

from dataclasses import dataclass, field
from typing import Literal

from sppl.bounds import Count, Fraction, misfits
from sppl.schemas import UserError
from sppl.scoring.server_settings import ScoringServer

Form = Literal["auto", "tree", "padded"]
Overlong = Literal["error", "skip", "truncate_left"]
Budget = Literal["fixed", "race"]
NAME_ONLY = {"identity": False}


@dataclass(frozen=True)
class Scoring:
    """Settings of the scorer.

    Args:
        max_tokens: tokens of one forward pass, padding included; None: 4,096 on a CPU, what memory allows on a GPU. It
            does not change any score.
        form: how a pass is run (`tree`, `padded`), `auto` for the cheapest that is exact; it does not change any score.
        end: whether ending the response (its EOS) is scored as one more token.
        overlong: what happens to a prompt and response longer than the target can read: `error` before any work, `skip`
            leaves the question out for all strategies, `truncate_left` shows its question fewer own answers (the first
            goes first) and, where it has none, cuts the question's beginning, alike for all strategies. Either is
            counted in the report.
        budget: `fixed` scores every response; `race` goes batch by batch and drops strategies clearly behind.
        first: questions before the race's first decision.
        then: questions between its later decisions.
        error: the chance that a race drops its best strategy, at most, whatever the number of strategies and decisions;
            0 drops nobody.
        server: the server that runs and scores the target; None for this process.
    """

    max_tokens: Count | None = field(default=None, metadata=NAME_ONLY)
    form: Form = field(default="auto", metadata=NAME_ONLY)
    end: bool = False
    overlong: Overlong = "error"
    budget: Budget = "fixed"
    first: int = 20
    then: int = 10
    error: Fraction = 0.05
    server: ScoringServer | None = None

    @property
    def together(self) -> bool:
        """Whether what is scored of a strategy depends on the others, so that one job needs all of them."""
        return self.budget == "race" or self.overlong == "truncate_left"

    def __post_init__(self) -> None:
        if wrong := misfits(self):
            raise UserError(f"scorer: {'; '.join(wrong)}")
        if self.first < 2 or self.then < 1 or not 0 <= self.error < 1:
            raise ValueError(
                "a race needs scorer.first >= 2 questions, scorer.then >= 1 and 0 <= scorer.error < 1, "
                f"got {self.first}, {self.then} and {self.error}"
            )
