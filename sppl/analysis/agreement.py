"""Compares what metrics say about strategies with each other, before anything is trained."""

from itertools import combinations
from typing import Any

import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.correlation import spearman, too_few


def disagreement(rankings: pd.DataFrame) -> pd.DataFrame:
    """Returns one row per benchmark, target and strategy, those the metrics differ most about first.

    `best_rank` and `worst_rank` are over the metrics that have a direction, `best_by` and `worst_by` name one or more
    of them, `first_by` all that rank the strategy first, `spread` is the difference of the two ranks.

    Args:
        rankings: of `sppl.analysis.ranking.rank`.
    """
    rows: list[dict[str, Any]] = []
    directed = rankings[rankings["direction"] != "none"]
    directed = directed.assign(first=directed["rank"] == directed.groupby([*PAIR, "metric"])["rank"].transform("min"))
    for key, part in directed.groupby([*PAIR, "strategy"]):
        low, high = part["rank"].min(), part["rank"].max()
        firsts = part.loc[part["first"], "metric"]
        rows.append(
            dict(zip([*PAIR, "strategy"], key, strict=True))
            | {"first_by": ", ".join(firsts), "best_rank": low, "worst_rank": high, "spread": high - low}
            | {
                "best_by": ", ".join(part.loc[part["rank"] == low, "metric"]),
                "worst_by": ", ".join(part.loc[part["rank"] == high, "metric"]),
            }
        )
    columns = [*PAIR, "strategy", "first_by", "best_rank", "best_by", "worst_rank", "worst_by", "spread"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values([*PAIR, "spread", "strategy"], ascending=[True, True, False, True], ignore_index=True)


def agreement(rankings: pd.DataFrame) -> pd.DataFrame:
    """Returns one row per benchmark, target and two metrics: the `spearman` of their ranks, lowest first.

    A metric without direction counts by its value, low first. Strategies count that both rank; <NA> where these are too
    few, or one of the two ranks all of them alike.
    """
    rows: list[dict[str, Any]] = []
    for (benchmark, target), part in rankings.groupby(PAIR):
        wide = part.pivot(index="strategy", columns="metric", values="rank")
        for one, other in combinations(dict.fromkeys(part["metric"]), 2):
            both = wide[[one, other]].dropna()
            ranks = both[one].to_numpy(float), both[other].to_numpy(float)
            rho = None if too_few(len(both)) else spearman(*ranks)
            key = {"benchmark": benchmark, "target_model": target, "metric": one, "other": other}
            rows.append(key | {"spearman": pd.NA if rho is None else rho})
    frame = pd.DataFrame(rows, columns=[*PAIR, "metric", "other", "spearman"]).astype({"spearman": "Float64"})
    return frame.sort_values([*PAIR, "spearman", "metric", "other"], ignore_index=True)


def where_they_differ(rankings: pd.DataFrame) -> str:
    """Returns in words which metrics of one ranking put which strategy first."""
    first: dict[str, list[str]] = {}
    for metric, part in rankings[rankings["direction"] != "none"].groupby("metric", sort=False):
        for strategy in part.loc[part["rank"] == part["rank"].min(), "strategy"]:
            first.setdefault(str(strategy), []).append(str(metric))
    if not first:
        return "no metric has a direction, so none picks a strategy"
    if len(first) == 1:
        return f"all metrics that have a direction put {next(iter(first))} first"
    ordered = sorted(first.items(), key=lambda item: -len(item[1]))
    return "the metrics differ: " + "; ".join(f"{name} is first by {', '.join(by)}" for name, by in ordered)
