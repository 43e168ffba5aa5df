"""Learns from recorded outcomes how often the better-scored of two strategies trained better."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sppl.analysis.checks import PAIR
from sppl.analysis.outcomes import UNTRAINED, accuracies

LOG_SCALE = ("sppl", "perplexity", "ifd")
"""Metrics (by the first word of their names) whose gap is a difference of logarithms; of others it is plain."""
BOUND = 20.0
"""Steepest slope per mean gap that a fit may return."""


def gap(metric: str, a: float, b: float) -> float:
    """Returns how far two values of a metric are apart (>= 0): nats for ratios and perplexities, else its unit."""
    return float(abs(np.log(a / b))) if metric.split("_")[0] in LOG_SCALE else abs(a - b)


def comparisons(rankings: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Returns one row per benchmark, target, metric and two strategies, the better-scored one first.

    Columns: `gap`; `runner_up` (whether the two are the metric's first and second); `won` (1 the better-scored one
    trained better, 0 worse, 0.5 equal); `chance` (that it would also with endless seeds: the observed difference
    against the benchmark's pooled spread between seeds, a normal approximation; `won` where no strategy has two seeds).

    Args:
        rankings: of `rank`; metrics without direction and equal scores are left out.
        outcomes: of one setup per benchmark.
    """
    from scipy.stats import norm

    reached = accuracies(outcomes[outcomes["strategy"] != UNTRAINED])
    key = [*PAIR, "strategy"]
    truth = {row[:3]: row[3:] for row in reached[[*key, "accuracy", "n_seeds"]].itertuples(index=False, name=None)}
    variance = outcomes.groupby(key)["accuracy"].var(ddof=1).groupby("benchmark").mean()
    noise = {str(name): float(value) ** 0.5 for name, value in variance.items()}
    rows = []
    for names, part in rankings[rankings["direction"] != "none"].groupby([*PAIR, "metric"], sort=True):
        benchmark, target, metric = map(str, names)
        ordered = part.sort_values(["rank", "strategy"])
        found = list(zip(ordered["strategy"], ordered["value"].astype(float), strict=True))
        found = [
            (name, value, *truth[benchmark, target, name])
            for name, value in found
            if (benchmark, target, name) in truth
        ]
        for i, (better, value, accuracy, seeds) in enumerate(found):
            for j, (worse, other, reference, other_seeds) in enumerate(found[i + 1 :], i + 1):
                if value == other:
                    continue
                difference = accuracy - reference
                won = float(np.sign(difference) + 1) / 2
                error = noise[benchmark] * np.sqrt(1 / seeds + 1 / other_seeds)
                rows.append(
                    {
                        "benchmark": benchmark,
                        "target_model": target,
                        "metric": metric,
                        "better": better,
                        "worse": worse,
                        "runner_up": (i, j) == (0, 1),
                        "gap": gap(metric, value, other),
                        "won": won,
                        "chance": float(norm.cdf(difference / error)) if error > 0 else won,
                    }
                )
    return pd.DataFrame(rows)


def fit_slope(gaps: NDArray, chances: NDArray) -> float:
    """Returns the most likely k of chance = 1 / (1 + exp(-k gap)), in which a gap of 0 is a coin toss."""
    from scipy.optimize import brentq

    scale = float(np.mean(gaps))
    x = gaps / scale
    # The likelihood is concave in k, so its slope has one zero; fits on all-won data end at the bound.
    missing = partial(_missing_wins, x, chances)
    if missing(-BOUND) < 0 or missing(BOUND) > 0:
        return (BOUND if missing(BOUND) > 0 else -BOUND) / scale
    return float(brentq(missing, -BOUND, BOUND)) / scale  # pyright: ignore[reportArgumentType]


def _missing_wins(gaps: NDArray, chances: NDArray, k: float) -> float:
    return float(np.mean(gaps * (chances - chance_of(k, gaps))))


def chance_of(k: float, gaps: NDArray | float) -> NDArray:
    """Returns the chance that the better-scored strategy trains better."""
    return 1 / (1 + np.exp(-k * np.asarray(gaps, dtype=float)))


def predict_left_out(part: pd.DataFrame) -> NDArray:
    """Returns the predicted chance per comparison of one metric, by a fit without its own benchmark."""
    predicted = np.full(len(part), np.nan)
    for benchmark in part["benchmark"].unique():
        held = (part["benchmark"] == benchmark).to_numpy()
        k = fit_slope(part.loc[~held, "gap"].to_numpy(float), part.loc[~held, "chance"].to_numpy(float))
        predicted[held] = chance_of(k, part.loc[held, "gap"].to_numpy(float))
    return predicted


def calibrate(table: pd.DataFrame, bins: int = 6) -> dict[str, dict[str, Any]]:
    """Returns per metric the fit, and its quality by leaving one benchmark out at a time.

    `brier` is the mean squared error of the predicted chance against what happened; `brier_coin` that of always 0.5,
    `brier_share` that of the share won on the other benchmarks whatever the gap, `brier_noise` what the noise between
    seeds alone leaves. `reliability`: per bin of equal size the mean prediction and the share that happened. `pick`:
    the same for the metric's first against its second strategy only.
    """
    result = {}
    for metric, part in table.groupby("metric"):
        predicted, won, chance = predict_left_out(part), part["won"].to_numpy(float), part["chance"].to_numpy(float)
        order = np.argsort(predicted, kind="stable")
        curve = [
            {"predicted": _r(predicted[rows].mean()), "happened": _r(won[rows].mean()), "n": len(rows)}
            for rows in np.array_split(order, bins)
        ]
        pick = part["runner_up"].to_numpy(bool)
        result[str(metric)] = {
            "slope": _r(fit_slope(part["gap"].to_numpy(float), chance)),
            "gap": "log" if str(metric).split("_")[0] in LOG_SCALE else "plain",
            "n_pairs": len(part[PAIR].drop_duplicates()),
            "n_comparisons": len(part),
            "share_won": _r(won.mean()),
            "brier": _r(np.mean((predicted - won) ** 2)),
            "brier_coin": _r(np.mean((0.5 - won) ** 2)),
            "brier_share": _r(np.mean((_share_elsewhere(part) - won) ** 2)),
            "brier_noise": _r(np.mean((chance - won) ** 2)),
            "pick": {"predicted": _r(predicted[pick].mean()), "happened": _r(won[pick].mean()), "n": int(pick.sum())},
            "reliability": curve,
        }
    return result


def _share_elsewhere(part: pd.DataFrame) -> NDArray:
    """Per comparison how often the better-scored strategy won on all other benchmarks."""
    sums = part.groupby("benchmark")["won"].agg(["sum", "size"])
    share = (sums["sum"].sum() - sums["sum"]) / (sums["size"].sum() - sums["size"])
    return part["benchmark"].map(share).to_numpy(float)


def _r(value: float) -> float:
    return round(float(value), 4)
