"""Bounds of the regret on several test beds, and how often each holds on picks it has not seen."""

from collections.abc import Mapping, Sequence

import pandas as pd

from sppl.analysis.regret_bound import LEVELS, TOLERANCE, bound, coverage


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
