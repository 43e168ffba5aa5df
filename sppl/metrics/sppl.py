"""Self-aligned perplexity."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sppl.metrics.needs import Tables, TokenStats, as_values, mean_losses
from sppl.prompts import SelfAligned


@dataclass(frozen=True)
class SelfAlignedPerplexity:
    """exp of the mean token NLL (nats) of a response, given its question and n of the target's own correct answers.

    SPPL(r | q) = exp(-1/|r| * sum_t log p(r_t | self_aligned(q, n), r_<t)).  Lower is better.
    Source: arXiv 2502.11779. A strategy's value is the arithmetic mean over examples.
    """

    n_examples: int = 2
    higher_is_better: bool | None = False

    def __post_init__(self) -> None:
        self.needs()  # refuses a number of examples that makes no context

    @property
    def name(self) -> str:
        return f"sppl_n{self.n_examples}"

    def needs(self) -> tuple[TokenStats, ...]:
        return (TokenStats(SelfAligned(self.n_examples)),)

    def log_perplexities(self, tables: Tables) -> pd.Series:
        return mean_losses(tables[self.needs()[0]])

    def per_example(self, tables: Tables) -> pd.DataFrame:
        return as_values(self.log_perplexities(tables).map(np.exp))

    def aggregate(self, scores: pd.DataFrame) -> float:
        return float(scores["value"].mean())
