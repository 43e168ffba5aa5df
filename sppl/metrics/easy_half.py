"""Self-aligned perplexity on the easier half of the questions."""

from dataclasses import dataclass

import pandas as pd

from sppl.metrics.needs import Candidates, Need, Tables, TokenStats, as_values
from sppl.metrics.sppl import SelfAlignedPerplexity
from sppl.prompts import SelfAligned


@dataclass(frozen=True)
class EasyHalf:
    """Mean log SPPL (nats per token) on the half of the questions that are easiest for the target.

    l_k(q) = log SPPL(r_k | q), of the response of strategy k;  d(q) = mean over strategies of l_k(q).
    EASY(k) = mean of l_k(q) over the half of the questions with the smallest d(q).  Lower is better.
    Unconfirmed: found by search in the records of arXiv 2502.11779, better there and worse on PlanBench; see
    `experiments/beds/README.md`. A strategy's value depends on its rivals.

    Args:
        n_examples: own answers in the prompt, as for `sppl`.
    """

    n_examples: int = 2
    higher_is_better: bool | None = False

    def __post_init__(self) -> None:
        SelfAlignedPerplexity(self.n_examples)  # which says how many examples there may be

    @property
    def name(self) -> str:
        return f"easy_half_n{self.n_examples}"

    def needs(self) -> tuple[Need, ...]:
        return (TokenStats(SelfAligned(self.n_examples)), Candidates())

    def per_example(self, tables: Tables) -> pd.DataFrame:
        losses = SelfAlignedPerplexity(self.n_examples).log_perplexities(tables)
        return with_difficulty(as_values(losses))

    def aggregate(self, scores: pd.DataFrame) -> float:
        easier = scores["difficulty"].rank(method="min") - 1
        alike = scores.groupby("difficulty")["difficulty"].transform("size")
        counts = ((len(scores) / 2 - easier) / alike).clip(0, 1)  # questions on the border count in part
        return float((counts * scores["value"]).sum() / counts.sum())


def with_difficulty(scores: pd.DataFrame) -> pd.DataFrame:
    """Log perplexities per strategy and example, with each question's `difficulty`: their mean over strategies."""
    return scores.assign(difficulty=scores.groupby("example_id")["value"].transform("mean"))
