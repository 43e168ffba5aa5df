"""The calibration fitted on the paper's records, as the shipped file and as a table."""

from typing import Any

import pandas as pd

from sppl.analysis.calibration import calibrate, comparisons
from sppl.analysis.conventions import take_comparable
from sppl.analysis.paper import RecordedMetric, main_outcomes
from sppl.analysis.ranking import rank

METRICS = [
    *(RecordedMetric(name) for name in ("sppl_n2", "sppl_n3", "perplexity", "ifd")),
    *(RecordedMetric(name, higher_is_better=True) for name in ("reward", "car", "log_probability")),
]


def fitted(scores: pd.DataFrame, outcomes: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Per metric what `sppl.analysis.calibration.calibrate` finds on the 17 main tasks and 3 targets."""
    runs = main_outcomes(outcomes)
    named = scores[scores["metric"].isin([metric.name for metric in METRICS])]
    return calibrate(comparisons(rank(take_comparable(named, runs), METRICS, resamples=0), runs))


def calibration(scores: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """One row per metric and bin of its reliability curve, the overall figures repeated."""
    rows = []
    for metric, found in fitted(scores, outcomes).items():
        overall = {name: found[name] for name in ("slope", "brier", "brier_coin", "brier_share", "brier_noise")}
        pick = {f"pick_{name}": value for name, value in found["pick"].items()}
        rows += [{"metric": metric} | overall | pick | one for one in found["reliability"]]
    return pd.DataFrame(rows)
