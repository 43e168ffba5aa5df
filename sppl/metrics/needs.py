"""What a metric is, and what it may ask for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import pandas as pd

from sppl.tables.gradients import Gradients
from sppl.tables.hidden_states import HiddenStates
from sppl.tables.kind import Known, Table
from sppl.tables.pilot_outcomes import Outcomes
from sppl.tables.rewards import Rewards, RewardSource
from sppl.tables.token_stats import COLUMNS, TokenStats

__all__ = [
    "COLUMNS", "EXAMPLE", "Candidates", "Gradients", "HiddenStates", "Known", "Metric", "Need", "Outcomes", "Perplexed",
    "RewardSource", "Rewards", "Table", "Tables", "TokenStats", "as_values", "compares", "mean_losses", "means",
    "own_answers", "scored_needs", "table_needs", "tables_of",
]  # fmt: skip

EXAMPLE = ["strategy", "example_id"]
"""The keys of one response in every table a metric gets or returns."""


@dataclass(frozen=True)
class Candidates:
    """Asks for the tables of all strategies of the ranking at once, so that responses to a question are compared."""


Need = Known | Candidates
Tables = Mapping[Any, pd.DataFrame]
"""The table of everything a metric asked to be known."""


class Metric(Protocol):
    """A way to score strategies before training; a frozen dataclass whose fields are its parameters.

    A strategy's value is the mean of `value` over its responses, unless the metric has a method
    `aggregate(scores) -> float` that makes it from rows of `per_example`; resampling calls it with rows repeated.
    """

    @property
    def name(self) -> str:
        """The name tables show; it carries the parameters."""
        ...

    @property
    def higher_is_better(self) -> bool | None:
        """The direction in which a strategy is better; None for a control that predicts nothing."""
        ...

    def needs(self) -> tuple[Need, ...]:
        """The tables `per_example` reads."""
        ...

    def per_example(self, tables: Tables) -> pd.DataFrame:
        """One row per response: `strategy, example_id, value` and what an own `aggregate` needs beyond that."""
        ...


@runtime_checkable
class Perplexed(Protocol):
    """A metric whose order of the responses to a question is that of their log-perplexities: it can lead a race."""

    def log_perplexities(self, tables: Tables) -> pd.Series:
        """The log-perplexity (nats per token, low is good) of every response, indexed by its keys."""
        ...


def tables_of(metric: Metric) -> tuple[Known, ...]:
    """What a metric asks to be known, in its own order."""
    return tuple(need for need in metric.needs() if not isinstance(need, Candidates))


def table_needs(metrics: Iterable[Metric]) -> tuple[Known, ...]:
    """All that the metrics ask to be known, each once, by name."""
    return tuple(sorted({need for metric in metrics for need in tables_of(metric)}, key=lambda need: need.name))


def scored_needs(metrics: Iterable[Metric]) -> tuple[Table, ...]:
    """Those of the tables that scoring makes: all but what trainings gave."""
    return tuple(cast("Table", need) for need in table_needs(metrics) if not need.trained)


def own_answers(needs: Iterable[Known]) -> bool:
    """Whether the target's own answers are shown in some of the tables."""
    return any(need.shows_own_answers for need in needs)


def compares(metric: Metric) -> bool:
    """Whether a response's value depends on the other strategies' responses."""
    return Candidates() in metric.needs()


def means(table: pd.DataFrame, column: str) -> pd.Series:
    """The mean of a column over the tokens of every response, indexed by its keys, summed in double precision."""
    return table.assign(**{column: table[column].astype("float64")}).groupby(EXAMPLE)[column].mean()


def mean_losses(table: pd.DataFrame) -> pd.Series:
    """The mean token NLL (nats) of every response, indexed by its keys."""
    return -means(table, "logprob")


def as_values(values: pd.Series) -> pd.DataFrame:
    """What `per_example` returns, from one value per response."""
    return values.rename("value").astype("float64").reset_index()
