"""Instruction-following difficulty."""

from dataclasses import dataclass

import pandas as pd

from sppl.metrics.needs import EXAMPLE, Tables, TokenStats
from sppl.prompts import Alone, GivenQuestion
from sppl.schemas import UserError


@dataclass(frozen=True)
class InstructionFollowingDifficulty:
    """Mean token NLL of a response given its question, divided by its mean token NLL alone (a ratio, no unit).

    IFD(r | q) = mean_t -log p(r_t | q, r_<t) / mean_t -log p(r_t | r_<t).
    Source: arXiv 2308.12032 (ratio of losses). Lower is better as arXiv 2502.11779 uses it, the opposite of its use
    in data selection. A strategy's value is the arithmetic mean over examples.

    Raises:
        UserError: a response has no token that can be scored without its question.
    """

    higher_is_better: bool | None = False

    @property
    def name(self) -> str:
        return "ifd"

    def needs(self) -> tuple[TokenStats, ...]:
        return (TokenStats(GivenQuestion()), TokenStats(Alone()))

    def per_example(self, tables: Tables) -> pd.DataFrame:
        given, alone = (-tables[need].groupby(EXAMPLE)["logprob"].mean() for need in self.needs())
        missing = given.index.difference(alone.index)
        if len(missing):
            strategy, example = missing[0]
            raise UserError(
                f"ifd: {len(missing)} responses have one token only, which this tokenizer (it adds no first "
                f"token) cannot score without a question: {example} of {strategy} first. Leave ifd out of `metric`."
            )
        return (given / alone.loc[given.index]).rename("value").reset_index()

    def aggregate(self, scores: pd.DataFrame) -> float:
        return float(scores["value"].mean())
