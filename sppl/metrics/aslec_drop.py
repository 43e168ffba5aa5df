"""ASLEC-drop: log-probability without the first tokens of every step."""

from dataclasses import dataclass

import pandas as pd

from sppl.metrics.needs import EXAMPLE, Tables, TokenStats, as_values, mean_losses
from sppl.metrics.steps import checked_heads, heads
from sppl.prompts import GivenQuestion
from sppl.schemas import UserError


@dataclass(frozen=True)
class AslecDrop:
    """Mean log-probability (nats) of a response's tokens given its question, the heads of all steps left out.

    DROP(r | q) = mean of log p(r_t | q, r_<t) over tokens t that are not among the first n of their step.
    Higher is better. Source: arXiv 2604.06834 (n 1 or 2): the first token of a step is unlikely, and long steps dilute
    that. A strategy's value is the arithmetic mean over examples.

    Raises:
        UserError: a response has no token but heads.
    """

    n_heads: int = 1
    higher_is_better: bool | None = True

    def __post_init__(self) -> None:
        checked_heads(self.n_heads)

    @property
    def name(self) -> str:
        return f"aslec_drop_h{self.n_heads}"

    def needs(self) -> tuple[TokenStats, ...]:
        return (TokenStats(GivenQuestion(), ("step",)),)

    def per_example(self, tables: Tables) -> pd.DataFrame:
        table = tables[self.needs()[0]]
        rest = table[~heads(table, self.n_heads)]
        lost = pd.MultiIndex.from_frame(table[EXAMPLE].drop_duplicates()).difference(
            pd.MultiIndex.from_frame(rest[EXAMPLE].drop_duplicates())
        )
        if len(lost):
            strategy, example = lost[0]
            raise UserError(
                f"{self.name}: {len(lost)} responses have no step of more than {self.n_heads} tokens, so nothing is "
                f"left of them: {example} of {strategy} first. Leave {self.name} out of `metric`."
            )
        return as_values(-mean_losses(rest))
