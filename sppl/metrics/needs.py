"""What a metric is, and what it may ask for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from sppl.prompts import Context, FixedExamples, SelfAligned

EXAMPLE = ["strategy", "example_id"]
"""The keys of one response in every table a metric gets or returns."""

COLUMNS = ("entropy", "top50_brier", "step")
"""What token statistics can hold beyond `logprob` and `rank`: the entropy of the distribution the token was drawn from
(nats); Brier score under the softmax of the 50 most likely tokens; the number of the token's reasoning step."""


@dataclass(frozen=True)
class TokenStats:
    """Per-token statistics of every response in one context: `token` (its place), `token_id`, `logprob`, `rank`.

    `logprob` is in nats, `rank` is 1 for the most likely token.

    Args:
        context: what stands before the response.
        columns: further columns, of `COLUMNS`; they are computed only where a metric asks for them.
    """

    context: Context
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = sorted(set(self.columns) - set(COLUMNS))
        if unknown:
            raise ValueError(
                f"no such column of token statistics: {', '.join(unknown)}; there are {', '.join(COLUMNS)}"
            )

    @property
    def name(self) -> str:
        """The word tables and leaves use."""
        return "+".join((self.context.name, *self.columns))


@dataclass(frozen=True)
class Candidates:
    """Asks for the tables of all strategies of the ranking at once, so that responses to a question are compared."""


class RewardSource(Protocol):
    """A model that rates a response; a frozen dataclass."""

    @property
    def name(self) -> str:
        """The word tables and leaves use."""
        ...

    @property
    def identity(self) -> Mapping[str, Any]:
        """What its ratings depend on."""
        ...


@dataclass(frozen=True)
class Rewards:
    """The reward of every response: a table with the column `reward`, in the model's own unit."""

    model: RewardSource

    @property
    def name(self) -> str:
        """The word tables and leaves use."""
        return f"rewards_{self.model.name}"


@dataclass(frozen=True)
class HiddenStates:
    """How a response's tokens lie to each other and to its question inside the target, given the question.

    Columns: `answer_loss` and `question_loss`, the mean NLL (nats) of the response's and of the question's tokens;
    `answer_answer` and `answer_question`, the mean cosine of the hidden states of two response tokens (each with each,
    itself included) and of a response and a question token. Special tokens count in none of them.

    Args:
        layer: how the module's name ends whose outputs are the hidden states; of several the last.
    """

    layer: str = "mlp.up_proj"

    @property
    def name(self) -> str:
        """The word tables and leaves use."""
        return f"hidden_{self.layer}"


@dataclass(frozen=True)
class Gradients:
    """The gradient of every response's mean token NLL given its question, randomly projected.

    Columns: `dimension` (0, 1, ..., dim - 1) and `value` (nats per unit of a weight).

    Args:
        layers: last names of the linear layers whose gradients are read.
        rank: of fresh low-rank adapters on them, whose second factor's gradients are read; 0: those of their weights.
        dim: of the projection.
        seed: of the projection and of the adapters.
    """

    layers: tuple[str, ...]
    rank: int = 16
    dim: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        if self.rank < 0 or self.dim < 1 or not self.layers:
            raise ValueError(
                f"gradients need layers, a rank of 0 or more and a dim of 1 or more, got layers={list(self.layers)}, "
                f"rank={self.rank}, dim={self.dim}"
            )

    @property
    def name(self) -> str:
        """The word tables and leaves use."""
        return f"gradients_r{self.rank}_d{self.dim}_s{self.seed}"


@dataclass(frozen=True)
class Outcomes:
    """What training on few responses gave: `correct` per test question, whose id is the `example_id`.

    Args:
        n_train: responses trained on.
        n_test: questions answered afterwards, or `all`.
        seed: of the training.
        training: its settings, a frozen dataclass of plain values.
    """

    n_train: int
    n_test: int | str
    seed: int
    training: Any = field(hash=False)

    @property
    def name(self) -> str:
        """The word tables and leaves use."""
        return f"outcomes_n{self.n_train}_s{self.seed}"


ScoredTable = TokenStats | Rewards | HiddenStates | Gradients
Table = ScoredTable | Outcomes
Need = Table | Candidates
Tables = Mapping[Any, pd.DataFrame]
"""The table of every `Table` a metric asked for."""


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

    def needs(self) -> tuple[Need, ...]:
        """The tables `per_example` reads."""
        ...

    def per_example(self, tables: Tables) -> pd.DataFrame:
        """One row per response: `strategy, example_id, value` and what `aggregate` needs beyond that."""
        ...

    def aggregate(self, scores: pd.DataFrame) -> float:
        """A strategy's value from rows of `per_example`; resampling calls it with rows repeated."""
        ...


@runtime_checkable
class Perplexed(Protocol):
    """A metric whose order of the responses to a question is that of their log-perplexities: it can lead a race."""

    def log_perplexities(self, tables: Tables) -> pd.Series:
        """The log-perplexity (nats per token, low is good) of every response, indexed by its keys."""
        ...


def table_needs(metrics: Iterable[Metric]) -> tuple[Table, ...]:
    """The tables the metrics need, each once, by name."""
    found = {need for metric in metrics for need in metric.needs() if not isinstance(need, Candidates)}
    return tuple(sorted(found, key=lambda need: need.name))


def scored_needs(metrics: Iterable[Metric]) -> tuple[ScoredTable, ...]:
    """Those of the tables that scoring makes: all but the results of training."""
    return tuple(need for need in table_needs(metrics) if not isinstance(need, Outcomes))


def own_answers(needs: Iterable[Need]) -> bool:
    """Whether the target's own answers are shown in some of the tables."""
    return any(isinstance(need, TokenStats) and isinstance(need.context, SelfAligned | FixedExamples) for need in needs)


def compares(metric: Metric) -> bool:
    """Whether a response's value depends on the other strategies' responses."""
    return any(isinstance(need, Candidates) for need in metric.needs())


def means(table: pd.DataFrame, column: str) -> pd.Series:
    """The mean of a column over the tokens of every response, indexed by its keys, summed in double precision."""
    return table.assign(**{column: table[column].astype("float64")}).groupby(EXAMPLE)[column].mean()


def mean_losses(table: pd.DataFrame) -> pd.Series:
    """The mean token NLL (nats) of every response, indexed by its keys."""
    return -means(table, "logprob")


def as_values(values: pd.Series) -> pd.DataFrame:
    """What `per_example` returns, from one value per response."""
    return values.rename("value").astype("float64").reset_index()
