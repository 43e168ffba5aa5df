"""In-context gain: how much the target's own answers help it to foresee a response."""

from dataclasses import dataclass

import pandas as pd

from sppl.metrics.needs import Tables, TokenStats, as_values, mean_losses
from sppl.prompts import GivenQuestion, SelfAligned


@dataclass(frozen=True)
class InContextGain:
    """Loss of a response given its question, less its loss with n of the target's own correct answers shown too (nats).

    GAIN(r | q) = L(r | q) - L(r | self_aligned(q, n)) = log PPL - log SPPL,  L = mean token NLL.
    Higher is better. Source: the in-context alignment of arXiv 2510.14459. A strategy's value is the arithmetic mean
    over examples.
    """

    n_examples: int = 2
    higher_is_better: bool | None = True

    def __post_init__(self) -> None:
        self.needs()  # refuses a number of examples that makes no context

    @property
    def name(self) -> str:
        return f"in_context_gain_n{self.n_examples}"

    def needs(self) -> tuple[TokenStats, ...]:
        return (TokenStats(GivenQuestion()), TokenStats(SelfAligned(self.n_examples)))

    def per_example(self, tables: Tables) -> pd.DataFrame:
        given, shown = (mean_losses(tables[need]) for need in self.needs())
        return as_values(given.loc[shown.index] - shown)  # the longer prompt may be left out as too long
