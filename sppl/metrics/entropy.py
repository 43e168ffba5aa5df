"""Predictive entropy along a response."""

from dataclasses import dataclass

import pandas as pd

from sppl.metrics.needs import Tables, TokenStats, as_values, means
from sppl.prompts import GivenQuestion


@dataclass(frozen=True)
class Entropy:
    """Mean entropy (nats) of the target's next-token distribution along a response given its question.

    H(r | q) = 1/|r| * sum_t -sum_v p(v | q, r_<t) log p(v | q, r_<t).
    Lower is better as a measure of familiarity, in the direction of perplexity: unlike it, it asks how sure the target
    is, not whether it is right. A common baseline without one source. A strategy's value is the mean over examples.
    """

    higher_is_better: bool | None = False

    @property
    def name(self) -> str:
        return "entropy"

    def needs(self) -> tuple[TokenStats, ...]:
        return (TokenStats(GivenQuestion(), ("entropy",)),)

    def per_example(self, tables: Tables) -> pd.DataFrame:
        return as_values(means(tables[self.needs()[0]], "entropy"))
