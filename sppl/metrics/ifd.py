"""Instruction-following difficulty, by both of its definitions."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from sppl.metrics.needs import Tables, TokenStats, as_values, mean_losses
from sppl.prompts import Alone, GivenQuestion
from sppl.schemas import UserError


@dataclass(frozen=True)
class InstructionFollowingDifficulty:
    """Mean token NLL of a response given its question, divided by its mean token NLL alone (a ratio, no unit).

    of losses:        IFD(r | q) = L(r | q) / L(r),            L = mean_t -log p(r_t | ..., r_<t)
    of perplexities:  IFD(r | q) = exp(L(r | q)) / exp(L(r)).
    Sources: arXiv 2308.12032 (ratio of losses, name `ifd`), arXiv 2402.00530 (ratio of perplexities, `ifd_perplexity`);
    the two order strategies differently. Lower is better as arXiv 2502.11779 uses it, the opposite of its use in data
    selection. A strategy's value is the arithmetic mean over examples. Where the tokenizer adds no first token, the
    response's own first token has no loss alone.

    Raises:
        UserError: a response has no token that can be scored without its question, or costs nothing without it.
    """

    of: Literal["losses", "perplexities"] = "losses"
    higher_is_better: bool | None = False

    def __post_init__(self) -> None:
        if self.of not in ("losses", "perplexities"):
            raise ValueError(f"ifd is a ratio of `losses` or of `perplexities`, not of {self.of!r}")

    @property
    def name(self) -> str:
        return "ifd" if self.of == "losses" else "ifd_perplexity"

    def needs(self) -> tuple[TokenStats, ...]:
        return (TokenStats(GivenQuestion()), TokenStats(Alone()))

    def per_example(self, tables: Tables) -> pd.DataFrame:
        given, alone = (mean_losses(tables[need]) for need in self.needs())
        self._refuse(
            given.index.difference(alone.index),
            "have one token only, which this tokenizer (it adds no first token) cannot score without a question",
        )
        alone = alone.loc[given.index]
        if self.of == "perplexities":
            return as_values(pd.Series(np.exp(given - alone)))
        self._refuse(alone.index[alone <= 0], "are certain without their question, so that the ratio is infinite")
        return as_values(given / alone)

    def _refuse(self, responses: pd.Index, what: str) -> None:
        if len(responses):
            strategy, example = responses[0]
            raise UserError(
                f"{self.name}: {len(responses)} responses {what}: {example} of {strategy} first. "
                f"Leave {self.name} out of `metric`."
            )
