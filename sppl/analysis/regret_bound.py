"""Bounds how much a pick may lose, from recorded picks, and checks the bound on picks left out."""

from collections.abc import Sequence
from math import ceil

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LEVELS = (0.8, 0.9)
TOLERANCE = 1e-9


def bound(regrets: NDArray | Sequence[float], level: float) -> float:
    """Returns the regret that new picks exceed in at most `1 - level` of cases; infinite with too few records.

    Split conformal prediction: of n recorded regrets the one at place ceil((n + 1) level), counted from the smallest.
    It holds on average over samples of exchangeable cases, so it is of no use for another kind of data.
    """
    ordered = np.sort(np.asarray(regrets, dtype=float))
    place = ceil(round((len(ordered) + 1) * level, 9))
    return float(ordered[place - 1]) if place <= len(ordered) else float("inf")


def coverage(cases: pd.DataFrame, by: str, level: float) -> float:
    """Returns the share of cases within the bound made without their group; NaN where there can be no bound.

    Args:
        cases: of one bed and selector, as `sppl.analysis.bed_table.cases` makes them.
        by: the column whose groups are left out one at a time.
        level: of the bound.
    """
    kept: list[bool] = []
    for group in cases[by].unique() if cases[by].nunique() > 1 else []:
        held = cases[by] == group
        limit = bound(cases.loc[~held, "regret"].to_numpy(float), level)
        if limit == float("inf"):
            return float("nan")
        kept += (cases.loc[held, "regret"] <= limit + TOLERANCE).tolist()
    return float(np.mean(kept)) if kept else float("nan")
