"""Finds the metrics of a ranking that are independent evidence: no copies of others, and not made of others."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sppl.analysis.correlation import average_ranks

SAME = 1e-9
"""Relative difference up to which two values are the same."""
EXAMPLE = ["strategy", "example_id"]


def find_independent(
    rankings: pd.DataFrame, scores: pd.DataFrame | None, composites: Mapping[str, Sequence[str]], lead: str
) -> tuple[list[str], dict[str, str]]:
    """Returns the metrics with a direction that count, and the reason for each that does not.

    A copy orders every single response as another metric does (without such scores: has the same value for every
    strategy), as SPPL does where no own answer can be shown and perplexity stands in. Of copies the one that leads
    counts, else the first. A metric with a shared first place puts nobody first.

    Args:
        rankings: of one benchmark and target, as `sppl.analysis.ranking.rank` makes them.
        scores: of single responses, of the same.
        composites: metric -> the metrics that it is made of.
        lead: the metric that decides.
    """
    directed = list(dict.fromkeys(rankings.loc[rankings["direction"] != "none", "metric"]))
    ordered = sorted(directed, key=lambda name: name != lead)
    values = {name: _values(rankings, scores, name) for name in ordered}
    counted, out = list[str](), dict[str, str]()
    for name in ordered:
        twin, how = next(((one, how) for one in counted if (how := _alike(values[one], values[name]))), ("", ""))
        ranks = rankings.loc[rankings["metric"] == name, "rank"]
        if parts := composites.get(name):
            out[name] = f"is made of {', '.join(parts)}"
        elif twin:
            out[name] = f"{how} {twin} does"
        elif (ranks == ranks.min()).sum() > 1 and len(ranks) > 1:
            out[name] = "has several strategies in the first place"
        else:
            counted.append(name)
    return counted, out


def _values(rankings: pd.DataFrame, scores: pd.DataFrame | None, name: str) -> pd.Series:
    """The values of single responses, or else of strategies, in the metric's own direction."""
    of = rankings[rankings["metric"] == name]
    sign = -1.0 if of["direction"].iloc[0] == "higher" else 1.0
    own = None if scores is None or "example_id" not in scores else scores[scores["metric"] == name]
    if own is None or own.empty or own["example_id"].isna().any():
        return sign * of.set_index("strategy")["value"].astype(float).sort_index()
    return sign * own.set_index(EXAMPLE)["value"].astype(float).sort_index()


def _alike(one: pd.Series, other: pd.Series) -> str:
    """How one metric copies another: its values, or the order of single responses; empty where it does not.

    Strategies may still be ordered otherwise by a copy that takes another mean over their responses.
    """
    if one.index.names != other.index.names:
        return ""
    shared: Any = one.index.intersection(other.index)
    a, b = one.loc[shared].to_numpy(float), other.loc[shared].to_numpy(float)
    if len(a) and np.allclose(a, b, rtol=SAME, atol=0):
        return "says here what"
    ordered = one.index.nlevels > 1 and len(a) > 2 and bool((_ranks(a) == _ranks(b)).all())
    return "orders single responses as" if ordered else ""


def _ranks(values: np.ndarray) -> np.ndarray:
    """Average ranks, where values that differ in the last digits only are equal."""
    scale = np.abs(values).max() or 1.0
    return average_ranks(np.round(values / scale, 9))
