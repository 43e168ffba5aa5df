"""What a metric is, and what it may ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from sppl.prompts import Context

EXAMPLE = ["strategy", "example_id"]
"""The keys of one response in every table a metric gets or returns."""


@dataclass(frozen=True)
class TokenStats:
    """Per-token statistics of every response in one context: `logprob` (nats) and `rank` (1 = most likely)."""

    context: Context


Tables = Mapping[TokenStats, pd.DataFrame]


class Metric(Protocol):
    """A way to score strategies before training; a frozen dataclass whose fields are its parameters."""

    @property
    def name(self) -> str:
        """The name tables show; it carries the parameters."""
        ...

    @property
    def higher_is_better(self) -> bool | None:
        """The direction in which a strategy is better; None for a control that predicts nothing."""
        ...

    def needs(self) -> tuple[TokenStats, ...]:
        """The tables `per_example` reads."""
        ...

    def per_example(self, tables: Tables) -> pd.DataFrame:
        """One row per response: `strategy, example_id, value` and what `aggregate` needs beyond that."""
        ...

    def aggregate(self, scores: pd.DataFrame) -> float:
        """A strategy's value from rows of `per_example`; resampling calls it with rows repeated."""
        ...


def mean_losses(table: pd.DataFrame) -> pd.Series:
    """The mean token NLL (nats) of every response, indexed by its keys, summed in double precision."""
    return -table.assign(logprob=table["logprob"].astype("float64")).groupby(EXAMPLE)["logprob"].mean()
