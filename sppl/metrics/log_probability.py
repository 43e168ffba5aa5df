"""Log-probability of a response."""

from dataclasses import dataclass

import pandas as pd

from sppl.metrics.needs import EXAMPLE, Tables, TokenStats, as_values
from sppl.prompts import GivenQuestion


@dataclass(frozen=True)
class LogProbability:
    """Summed log-probability (nats) of all tokens of a response given its question.

    LP(r | q) = sum_t log p(r_t | q, r_<t).  Higher is better; short responses are favoured.
    Source: the baseline in the code of arXiv 2502.11779. A strategy's value is the arithmetic mean over examples.
    """

    higher_is_better: bool | None = True

    @property
    def name(self) -> str:
        return "log_probability"

    def needs(self) -> tuple[TokenStats, ...]:
        return (TokenStats(GivenQuestion()),)

    def per_example(self, tables: Tables) -> pd.DataFrame:
        table = tables[self.needs()[0]].astype({"logprob": "float64"})
        return as_values(table.groupby(EXAMPLE)["logprob"].sum())
