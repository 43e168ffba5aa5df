"""Perplexity of a response given its question."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sppl.metrics.needs import Tables, TokenStats, as_values, mean_losses
from sppl.prompts import GivenQuestion


@dataclass(frozen=True)
class Perplexity:
    """exp of the mean token NLL (nats) of a response given its question.

    PPL(r | q) = exp(-1/|r| * sum_t log p(r_t | q, r_<t)).  Lower is better.
    The baseline of arXiv 2502.11779. A strategy's value is the arithmetic mean over examples.
    """

    higher_is_better: bool | None = False

    @property
    def name(self) -> str:
        return "perplexity"

    def needs(self) -> tuple[TokenStats, ...]:
        return (TokenStats(GivenQuestion()),)

    def log_perplexities(self, tables: Tables) -> pd.Series:
        return mean_losses(tables[self.needs()[0]])

    def per_example(self, tables: Tables) -> pd.DataFrame:
        return as_values(self.log_perplexities(tables).map(np.exp))
