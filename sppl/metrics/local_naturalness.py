"""Local naturalness: every reasoning step judged by what stands right before it."""

from dataclasses import dataclass

import pandas as pd

from sppl.metrics.needs import EXAMPLE, Tables, TokenStats, as_values
from sppl.prompts import StepWise


@dataclass(frozen=True)
class LocalNaturalness:
    """Mean over reasoning steps of the mean log-probability (nats) of a step's tokens, the past cut short.

    LN(r | q) = 1/S * sum_s 1/|r_s| * sum_t log p(r_s,t | q, r_s-w .. r_s-1, r_s,<t),  S steps, w = window.
    Higher is better. Source: arXiv 2510.03988. A strategy's value is the arithmetic mean over examples. A step is a
    line or a sentence (`sppl.prompts.step_starts`); a response without further ones is one step, and its value is then
    the mean log-probability given the question.
    """

    window: int = 1
    higher_is_better: bool | None = True

    def __post_init__(self) -> None:
        self.needs()  # refuses a window that makes no context

    @property
    def name(self) -> str:
        return f"local_naturalness_w{self.window}"

    def needs(self) -> tuple[TokenStats, ...]:
        return (TokenStats(StepWise(self.window), ("step",)),)

    def per_example(self, tables: Tables) -> pd.DataFrame:
        table = tables[self.needs()[0]].astype({"logprob": "float64"})
        steps = table.groupby([*EXAMPLE, "step"])["logprob"].mean()
        return as_values(steps.groupby(level=EXAMPLE).mean())
