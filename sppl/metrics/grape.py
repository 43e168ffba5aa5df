"""Mean log-probability of a response's tokens, the fit of GRAPE."""

from dataclasses import dataclass

import pandas as pd

from sppl.metrics.needs import Tables, TokenStats, as_values, mean_losses
from sppl.prompts import GivenQuestion


@dataclass(frozen=True)
class Grape:
    """Mean log-probability (nats) of the tokens of a response given its question.

    GRAPE(r | q) = 1/|r| * sum_t log p(r_t | q, r_<t).  Higher is better.
    Source: arXiv 2502.04194, which picks per question the response the target finds likeliest. It orders the responses
    to one question as perplexity does, but the arithmetic mean over examples is another one: a single very unlikely
    response weighs less.
    """

    higher_is_better: bool | None = True

    @property
    def name(self) -> str:
        return "grape"

    def needs(self) -> tuple[TokenStats, ...]:
        return (TokenStats(GivenQuestion()),)

    def log_perplexities(self, tables: Tables) -> pd.Series:
        return mean_losses(tables[self.needs()[0]])

    def per_example(self, tables: Tables) -> pd.DataFrame:
        return as_values(-self.log_perplexities(tables))
