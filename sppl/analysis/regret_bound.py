"""How much a pick may lose: a bound from recorded picks, and how often it holds on picks it has not seen."""

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LEVELS = (0.8, 0.9)
TOLERANCE = 1e-9


def bound(regrets: NDArray | Sequence[float], level: float) -> float:
    """The regret that a new pick of the same kind exceeds in at most `1 - level` of cases; infinite with too few picks.

    Split conformal prediction: of n recorded regrets the one at place ceil((n + 1) level), counted from the smallest.
    It holds on average over samples of exchangeable cases, so it is of no use for another kind of data.
    """
    ordered = np.sort(np.asarray(regrets, dtype=float))
    place = ceil(round((len(ordered) + 1) * level, 9))
    return float(ordered[place - 1]) if place <= len(ordered) else float("inf")


def coverage(cases: pd.DataFrame, by: str, level: float) -> float:
    """Share of cases whose regret keeps to the bound made without their group; NaN where no bound can be.

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


def regret_bounds(cases: Mapping[str, pd.DataFrame], selectors: Sequence[str]) -> pd.DataFrame:
    """One row per bed, selector and level: the `bound`, and how often it holds.

    `left_benchmark` and `left_target`: on cases of a benchmark or target that the bound was made without; `on_<bed>`:
    on all cases of another bed. <NA> where there is nothing to leave out or no such selector.

    Args:
        cases: bed -> of `sppl.analysis.bed_table.cases`.
        selectors: metrics or others, those of interest.
    """
    rows = []
    found = {bed: dict(list(frame.groupby("selector"))) for bed, frame in cases.items()}
    for bed, parts in found.items():
        for selector in (name for name in selectors if name in parts):
            part = parts[selector]
            for level in LEVELS:
                limit = bound(part["regret"].to_numpy(float), level)
                row = {"bed": bed, "metric": selector, "level": level, "cases": len(part), "bound": limit}
                row |= {f"left_{word}": coverage(part, column, level)
                        for word, column in (("benchmark", "benchmark"), ("target", "target_model"))}  # fmt: skip
                row |= {
                    f"on_{other}": float((there[selector]["regret"] <= limit + TOLERANCE).mean())
                    for other, there in found.items()
                    if other != bed and selector in there
                }
                rows.append(row)
    return pd.DataFrame(rows)
