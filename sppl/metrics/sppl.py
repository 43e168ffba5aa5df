"""Self-aligned perplexity."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sppl.metrics.needs import EXAMPLE, Tables, TokenStats
from sppl.prompts import SelfAligned


@dataclass(frozen=True)
class SelfAlignedPerplexity:
    """exp of the mean token NLL (nats) of a response, given its question and n of the target's own correct answers.

    SPPL(r | q) = exp(-1/|r| * sum_t log p(r_t | self_aligned(q, n), r_<t)).  Lower is better.
    Source: arXiv 2502.11779. A strategy's value is the arithmetic mean over examples.
    """

    n_examples: int = 2
    higher_is_better: bool | None = False

    @property
    def name(self) -> str:
        return f"sppl_n{self.n_examples}"

    def needs(self) -> tuple[TokenStats, ...]:
        return (TokenStats(SelfAligned(self.n_examples)),)

    def per_example(self, tables: Tables) -> pd.DataFrame:
        frame = tables[self.needs()[0]].groupby(EXAMPLE)["logprob"].mean().rename("value").reset_index()
        frame["value"] = np.exp(-frame["value"])
        return frame

    def aggregate(self, scores: pd.DataFrame) -> float:
        return float(scores["value"].mean())
