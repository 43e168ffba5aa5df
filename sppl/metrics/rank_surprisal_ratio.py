"""Rank-surprisal ratio."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sppl.metrics.needs import Tables, TokenStats, mean_losses, means
from sppl.prompts import GivenQuestion

LEAST = float(np.finfo("float32").eps)
"""Surprisal (nats per token) that cannot be told from none."""


@dataclass(frozen=True)
class RankSurprisalRatio:
    """Mean clipped token rank over mean token surprisal of a response given its question (ranks per nat).

    RSR(r | q) = sum_t min(rank_t, clip) / sum_t -log p(r_t | q, r_<t),  rank_t = 1 + how many tokens are more likely.
    Lower is better: a good response surprises, with tokens that are still among the likely ones.
    Source: arXiv 2601.14249 (clip 100). A strategy's value is a ratio of means over examples,
    sum_j mean-rank_j / sum_j mean-surprisal_j, not the mean of the ratios.
    """

    clip: int = 100
    higher_is_better: bool | None = False

    def __post_init__(self) -> None:
        if self.clip < 1:
            raise ValueError(f"ranks are clipped at 1 or more, got clip={self.clip}")

    @property
    def name(self) -> str:
        return "rank_surprisal_ratio" if self.clip == 100 else f"rank_surprisal_ratio_c{self.clip}"

    def needs(self) -> tuple[TokenStats, ...]:
        return (TokenStats(GivenQuestion()),)

    def per_example(self, tables: Tables) -> pd.DataFrame:
        table = tables[self.needs()[0]]
        ranks = means(table.assign(rank=table["rank"].clip(upper=self.clip)), "rank")
        frame = pd.DataFrame({"mean_rank": ranks, "mean_surprisal": mean_losses(table)})
        frame["value"] = frame["mean_rank"] / frame["mean_surprisal"].clip(lower=LEAST)
        return frame.reset_index()

    def aggregate(self, scores: pd.DataFrame) -> float:
        return float(scores["mean_rank"].mean() / max(scores["mean_surprisal"].mean(), LEAST))
