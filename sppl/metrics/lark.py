"""LARK: learnability among the responses to one question."""

from dataclasses import dataclass

import pandas as pd

from sppl.metrics.needs import Candidates, Need, Tables, TokenStats, as_values, mean_losses, means
from sppl.prompts import GivenQuestion

LEAST = 1e-12


@dataclass(frozen=True)
class Lark:
    """What a response adds to the learnability of a question's candidates (no unit).

    g_k = L_k / sum_i L_i * (2 rho_k - sum_i rho_i L_i / sum_i L_i),  rho_k = B_k / L_k,
    over the candidates i of a question, one per strategy; L is the mean token NLL of a response given its question,
    under the whole vocabulary, and B its mean token Brier score (1 - 2 p_t + sum_v p_v^2) under the softmax of the 50
    most likely tokens alone, where p_t is 0 for a token that is not one of them.
    Higher is better: the loss falls fast where it is made of doubts rather than of surprises.
    Source: arXiv 2605.30651. A strategy's value is the arithmetic mean over examples, and depends on its rivals.
    """

    higher_is_better: bool | None = True

    @property
    def name(self) -> str:
        return "lark"

    def needs(self) -> tuple[Need, ...]:
        return (TokenStats(GivenQuestion(), ("top50_brier",)), Candidates())

    def per_example(self, tables: Tables) -> pd.DataFrame:
        (table,) = tables.values()
        loss = mean_losses(table).clip(lower=LEAST)
        brier = means(table, "top50_brier")
        together = loss.groupby(level="example_id").transform("sum")
        common = brier.groupby(level="example_id").transform("sum") / together
        return as_values(loss / together * (2 * brier / loss - common))
