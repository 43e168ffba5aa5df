"""Self-aligned perplexity."""

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import pandas as pd

from sppl.metrics.needs import Tables, TokenStats, as_values, mean_losses
from sppl.prompts import FixedExamples, SelfAligned

Layout = Literal["question_first", "examples_first"]


@dataclass(frozen=True)
class SelfAlignedPerplexity:
    """exp of the mean token NLL (nats) of a response, given its question and n of the target's own correct answers.

    SPPL(r | q) = exp(-1/|r| * sum_t log p(r_t | self_aligned(q, n), r_<t)).  Lower is better.
    Source: arXiv 2502.11779. A strategy's value is the arithmetic mean over examples.

    Args:
        n_examples: own answers in the prompt.
        higher_is_better: the direction.
        layout: `question_first` is the definition, where every question is shown other answers after it;
            `examples_first` is cheaper and another metric (`sppl_fixed_n2`): the same answers stand before every one.
    """

    n_examples: int = 2
    higher_is_better: bool | None = False
    layout: Layout = field(default="question_first", metadata={"identity": False})  # name and needs tell it

    def __post_init__(self) -> None:
        if self.layout not in get_args(Layout):
            raise ValueError(f"sppl: layout is one of {', '.join(get_args(Layout))}, got {self.layout!r}")
        self.needs()  # refuses a number of examples that makes no context

    @property
    def name(self) -> str:
        return f"sppl_n{self.n_examples}" if self.layout == "question_first" else f"sppl_fixed_n{self.n_examples}"

    def needs(self) -> tuple[TokenStats, ...]:
        kind = SelfAligned if self.layout == "question_first" else FixedExamples
        return (TokenStats(kind(self.n_examples)),)

    def log_perplexities(self, tables: Tables) -> pd.Series:
        return mean_losses(tables[self.needs()[0]])

    def per_example(self, tables: Tables) -> pd.DataFrame:
        return as_values(self.log_perplexities(tables).map(np.exp))
