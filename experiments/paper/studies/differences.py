"""Differences between metrics over many pairs, with their uncertainty: a bootstrap over tasks."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

MEASURES = ("accuracy", "spearman", "weighted_spearman")


def differences(
    table: pd.DataFrame, reference: str, *, metrics: Sequence[str] | None = None, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """One row per metric and measure: its mean minus the reference's, the 95 % interval and `share_better`.

    Whole tasks (benchmarks) are drawn, with all their targets and slices: the pairs of one task are no independent
    evidence. `accuracy` is that of the picks (a fraction); correlations leave out pairs in which one of the two is
    undefined.

    Args:
        table: of `sppl.analysis.blocks.judge_slices`.
        reference: the metric that others are compared with.
        metrics: those others; None takes all.
        resamples: how many.
        seed: of the draws.
    """
    tasks = sorted(table["benchmark"].unique())
    drawn = np.random.default_rng(seed).integers(len(tasks), size=(resamples, len(tasks)))
    key = ["benchmark", "target_model", "slice"]
    base = table[table["metric"] == reference].set_index(key)
    rows = []
    for metric in metrics or [name for name in table["metric"].unique() if name != reference]:
        other = table[table["metric"] == metric].set_index(key).loc[base.index]
        for measure in MEASURES:
            column = "picked_accuracy" if measure == "accuracy" else "spearman"
            gain = (other[column] - base[column]).astype("Float64").to_numpy(float, na_value=np.nan)
            weight = base["spread"].to_numpy(float) if measure == "weighted_spearman" else np.ones(len(base))
            weight = np.where(np.isnan(gain), 0, weight)
            place = np.searchsorted(tasks, base.index.get_level_values("benchmark"))
            total = np.bincount(place, np.nan_to_num(gain) * weight, len(tasks))
            share = np.bincount(place, weight, len(tasks))
            values = total[drawn].sum(axis=1) / share[drawn].sum(axis=1)
            low, high = np.quantile(values, [0.025, 0.975])
            rows.append(
                {
                    "metric": metric,
                    "reference": reference,
                    "measure": measure,
                    "difference": total.sum() / share.sum(),
                    "low": low,
                    "high": high,
                    "share_better": float(np.mean((values > 0) + (values == 0) / 2)),
                    "n_tasks": len(tasks),
                }
            )
    return pd.DataFrame(rows)
