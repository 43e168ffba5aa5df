"""Combines several metrics into one order of strategies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from sppl.analysis.calibration import LOG_SCALE
from sppl.analysis.checks import PAIR
from sppl.analysis.correlation import average_ranks


@dataclass(frozen=True)
class Combination:
    """A weighted sum of metrics, lower is better; every metric counts in the direction it has by itself.

    Args:
        name: in the column `metric`.
        weights: metric -> weight.
        how: `rank` sums ranks; `z` sums standard scores over the strategies of a pair (of logarithms for perplexities
            and ratios).
    """

    name: str
    weights: Mapping[str, float]
    how: Literal["rank", "z"] = "z"

    def rankings(self, rankings: pd.DataFrame) -> pd.DataFrame:
        """Returns the combination's rankings, one row per benchmark, target and strategy.

        Raises:
            KeyError: a metric is not in the rankings.
        """
        parts = standard_scores(rankings) if self.how == "z" else rankings.assign(score=rankings["rank"])
        wide = parts.pivot(index=[*PAIR, "strategy"], columns="metric", values="score")
        value = sum(weight * wide[metric] for metric, weight in self.weights.items())
        frame = pd.DataFrame({"value": value}).dropna().reset_index()
        # Sums of the same terms in another order differ in the last bits: equal sums must tie.
        frame["value"] = frame["value"].astype(float).round(12)
        rank = frame.groupby(PAIR)["value"].transform(lambda values: average_ranks(values))
        return frame.assign(metric=self.name, direction="lower", rank=rank, note="")


def standard_scores(rankings: pd.DataFrame) -> pd.DataFrame:
    """Returns the rankings with `score`: values in standard deviations from the pair's mean, lower is better."""
    parts = []
    for (_, _, metric), part in rankings.groupby([*PAIR, "metric"], sort=False):
        values = part["value"].to_numpy(float)
        values = np.log(values) if str(metric).split("_")[0] in LOG_SCALE else values
        values = -values if part["direction"].iloc[0] == "higher" else values
        spread = values.std()
        parts.append(part.assign(score=(values - values.mean()) / spread if spread > 0 else 0.0))
    return pd.concat(parts, ignore_index=True)
