"""Checks statements of confidence on test beds: per bed its kind of data, per metric how well they held."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from sppl.analysis.bed import Bed
from sppl.analysis.bed_table import cases
from sppl.analysis.calibration import chance_of, comparisons, fit_slope
from sppl.analysis.regret_bound import LEVELS, bound, coverage
from sppl.analysis.selectors import PILOTS

SHIPPED = "checked.json"
SLACK = 0.05
"""How much less often than its level a bound may hold on left-out cases and still be stated."""
BINS = 5


def shipped_checks() -> dict[str, Any]:
    """Returns the checks that come with the package: what `check_beds` returned for each bed."""
    return json.loads(files("sppl.analysis").joinpath(SHIPPED).read_text())


def check_beds(beds: Sequence[Bed]) -> dict[str, Any]:
    """Returns per bed its kind of data, the bounds on regret, and the chances between two strategies, each checked.

    A bound is judged on benchmarks and targets left out; a chance is fitted on all other beds and judged on this one.
    """
    compared = {bed.name: comparisons(bed.rankings(), bed.outcomes) for bed in beds if len(bed.rankings())}
    return {bed.name: _kind(bed) | {"bounds": _bounds(bed), "chances": _chances(bed.name, compared)} for bed in beds}


def brier_scores(beds: Sequence[Bed]) -> pd.DataFrame:
    """Measures how well chances between two strategies hold on beds they were not fitted on.

    Returns:
        One row per bed and metric that another bed has too: `bed`, `selector`, the mean Brier score `brier` (0 to 1,
        low is good) of the chances fitted on all other beds, and that of a coin, `brier_coin` (ties count half).
    """
    compared = {bed.name: comparisons(bed.rankings(), bed.outcomes) for bed in beds if len(bed.rankings())}
    rows = [
        {"bed": name, "selector": metric, "brier": one["brier"], "brier_coin": one["coin"]}
        for name in compared
        for metric, one in _chances(name, compared).items()
    ]
    return pd.DataFrame(rows, columns=["bed", "selector", "brier", "brier_coin"])


def _kind(bed: Bed) -> dict[str, Any]:
    """The properties that make a case one of this bed's kind."""
    reached, outcomes = bed.accuracies(), bed.outcomes
    known = "parameters" in outcomes
    sizes = (
        {str(name): float(part.iloc[0]) for name, part in outcomes.groupby("target_model")["parameters"]}
        if known
        else {}
    )
    return {
        "benchmarks": sorted(reached["benchmark"].unique()),
        "targets": sizes,
        "strategies": sorted(reached["strategy"].unique()),
        "n_benchmarks": int(reached["benchmark"].nunique()),
        "cases": len(reached.groupby(["benchmark", "target_model"])),
    }


def _metrics(bed: Bed) -> list[str]:
    found = dict.fromkeys(bed.scores.loc[bed.scores["direction"] != "none", "metric"]) if len(bed.scores) else {}
    return [str(name) for name in found if not str(name).startswith(PILOTS)]


def _bounds(bed: Bed) -> dict[str, Any]:
    every, found = cases(bed), {}
    for metric in _metrics(bed):
        part = every[every["selector"] == metric]
        levels = []
        for level in LEVELS:
            kept = [coverage(part, by, level) for by in ("benchmark", "target_model")]
            kept = [None if np.isnan(one) else round(one, 4) for one in kept]
            limit = bound(part["regret"].to_numpy(float), level)
            held = [one for one in kept if one is not None]
            stated = np.isfinite(limit) and bool(held) and min(held) >= level - SLACK
            levels.append(
                {"level": level, "bound": round(limit, 5) if np.isfinite(limit) else None, "stated": bool(stated)}
                | dict(zip(("left_benchmark", "left_target"), kept, strict=True))
            )
        found[metric] = levels
    return found


def _chances(name: str, compared: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Per metric that another bed has too: the slope fitted there, and the quality of its chances here.

    `stated`: whether they beat a coin here, over all comparisons and over those of the first with the second.
    """
    found = {}
    if name not in compared:
        return found
    others = [frame.assign(bed=bed) for bed, frame in compared.items() if bed != name]
    for metric, here in compared[name].groupby("metric"):
        there = pd.concat([frame[frame["metric"] == metric] for frame in others]) if others else here[:0]
        if there.empty or str(metric).startswith(PILOTS):
            continue
        steep = fit_slope(there["gap"].to_numpy(float), there["chance"].to_numpy(float))
        predicted, won = chance_of(steep, here["gap"].to_numpy(float)), here["won"].to_numpy(float)
        first, order = here["runner_up"].to_numpy(bool), np.argsort(predicted, kind="stable")
        score = {"brier": (predicted - won) ** 2, "coin": (0.5 - won) ** 2}
        means = {key: round(float(one.mean()), 4) for key, one in score.items()}
        means |= {f"{key}_pick": round(float(one[first].mean()), 4) for key, one in score.items()}
        found[str(metric)] = {
            "fitted_on": sorted(there["bed"].unique()),
            "slope": round(steep, 4),
            "n": len(here),
            **means,
            "stated": means["brier"] < means["coin"] and means["brier_pick"] < means["coin_pick"],
            "reliability": [
                {
                    "predicted": round(float(predicted[at].mean()), 4),
                    "happened": round(float(won[at].mean()), 4),
                    "n": len(at),
                }
                for at in np.array_split(order, BINS)
            ],
        }
    return found
