"""ASLEC-casl: log-probability with the influence of step heads regressed out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sppl.metrics.needs import EXAMPLE, Candidates, Need, Tables, TokenStats
from sppl.metrics.steps import checked_heads, heads
from sppl.prompts import GivenQuestion


@dataclass(frozen=True)
class AslecCasl:
    """Mean log-probability (nats) of a response's tokens, less what the share of step heads explains of it.

    CASL(r) = M(r) - gamma * F(r), where M is the mean log-probability given the question, F the share of head tokens
    (the first n of every step), and gamma the coefficient of F in the least-squares fit, over all responses of the
    ranking, M ~ 1 + M_rest + M_heads + F; M_rest and M_heads are the means over the other and over the head tokens.
    Higher is better. Source: arXiv 2604.06834. A strategy's value is the arithmetic mean over examples;
    resampling keeps gamma. A response of heads only has M_rest = M. Where F is the same for all, gamma is 0.
    """

    n_heads: int = 1
    higher_is_better: bool | None = True

    def __post_init__(self) -> None:
        checked_heads(self.n_heads)

    @property
    def name(self) -> str:
        return f"aslec_casl_h{self.n_heads}"

    def needs(self) -> tuple[Need, ...]:
        return (TokenStats(GivenQuestion(), ("step",)), Candidates())

    def per_example(self, tables: Tables) -> pd.DataFrame:
        (table,) = tables.values()
        table = table.assign(logprob=table["logprob"].astype("float64"), head=heads(table, self.n_heads))
        whole = table.groupby(EXAMPLE).agg(mean=("logprob", "mean"), share=("head", "mean"))
        parts = table.groupby([*EXAMPLE, "head"])["logprob"].mean().unstack("head")
        rest = parts[False] if False in parts else parts[True] * np.nan
        gamma = _last_coefficient(whole["mean"], [rest.fillna(whole["mean"]), parts[True], whole["share"]])
        frame = whole.assign(value=whole["mean"] - gamma * whole["share"], gamma=gamma)
        return frame[["value", "gamma"]].reset_index()


def _last_coefficient(target: pd.Series, causes: list[pd.Series]) -> float:
    """Of the last cause, by least squares with a constant; 0 where the last cause does not vary."""
    if np.ptp(causes[-1].to_numpy()) < 1e-12:
        return 0.0
    columns = np.column_stack([np.ones(len(target)), *(cause.to_numpy() for cause in causes)])
    return float(np.linalg.lstsq(columns, target.to_numpy(), rcond=None)[0][-1])
