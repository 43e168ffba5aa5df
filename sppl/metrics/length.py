"""Length of a response: the control every other metric is read beside."""

from dataclasses import dataclass

import pandas as pd

from sppl.metrics.needs import EXAMPLE, Tables, TokenStats
from sppl.prompts import GivenQuestion


@dataclass(frozen=True)
class Length:
    """Number of response tokens under the target's tokenizer. A control without a direction; the mean over examples."""

    higher_is_better: bool | None = None

    @property
    def name(self) -> str:
        return "length"

    def needs(self) -> tuple[TokenStats, ...]:
        return (TokenStats(GivenQuestion()),)

    def per_example(self, tables: Tables) -> pd.DataFrame:
        return tables[self.needs()[0]].groupby(EXAMPLE)["logprob"].size().rename("value").astype(float).reset_index()
