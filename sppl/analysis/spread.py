"""How much a correlation moves when other examples are drawn."""

import numpy as np
import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.correlation import spearman
from sppl.analysis.resampling import RankedMetric, resampled_values


def spearman_interval(
    scores: pd.DataFrame,
    metric: RankedMetric,
    ranked: pd.DataFrame,
    truth: pd.Series,
    *,
    resamples: int = 1000,
    level: float = 0.95,
) -> dict[str, float]:
    """`spearman_low` and `spearman_high` over resampled examples, the accuracies held fixed; empty without examples.

    Args:
        scores: as `sppl.schemas.TABLES["scores"]`.
        metric: how they are aggregated.
        ranked: the ranking of one benchmark, target and metric.
        truth: accuracy per strategy.
        resamples: how many.
        level: of the interval.
    """
    one = ranked.iloc[0]
    names = sorted(set(ranked["strategy"]) & set(truth.index))
    here = scores["metric"] == metric.name
    for column in PAIR:
        here &= scores[column] == one[column]
    rows = scores[here & scores["strategy"].isin(names)]
    if "example_id" not in rows or rows["example_id"].isna().any():
        return {}
    examples = {name: rows[rows["strategy"] == name].sort_values("example_id") for name in names}
    values = resampled_values(examples, metric, resamples=resamples)
    signed = -values if metric.higher_is_better is False else values
    accuracy = truth[names].to_numpy(float)
    found = [rho for row in signed if (rho := spearman(row, accuracy)) is not None]
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return {"spearman_low": float(low), "spearman_high": float(high)}
