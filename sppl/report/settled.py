"""Says in sentences how pilots settled a shortlist."""

from dataclasses import dataclass

import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.wilson import wilson

SAME = 1e-9
"""Accuracies nearer to each other than this are the same."""


@dataclass(frozen=True)
class Settled:
    """The strategy that pilots settled on, the next best one, and how it came about."""

    strategy: str
    runner_up: str
    said: str
    tied: tuple[str, ...] = ()
    """Strategies whose pilots reached the same best accuracy, the pick first; empty where only one did."""


def read_settled(shortlists: pd.DataFrame) -> dict[tuple[str, str], Settled]:
    """Returns benchmark and target -> what the pilots settled; of several shortlists of one pair the last counts.

    Args:
        shortlists: of `sppl.study.pilot_summary.pilot_outcomes_of`; may be empty.
    """
    if shortlists.empty:
        return {}
    found = {}
    for (benchmark, target, _), part in shortlists.groupby([*PAIR, "metric"], sort=False):
        found[str(benchmark), str(target)] = _settled(part)
    return found


def _settled(part: pd.DataFrame) -> Settled:
    first = part.iloc[0]
    ordered = part.sort_values("pilot", ascending=False, kind="stable")
    pick = str(part.loc[part["settled"], "strategy"].iloc[0])
    others = [str(name) for name in ordered["strategy"] if name != pick]
    n = int(first["n_validation"])
    reached = ", ".join(
        f"{name} {value:.3f} [{', '.join(f'{end:.3f}' for end in wilson(value, n))}]"
        for name, value in zip(part["strategy"], part["pilot"].tolist(), strict=True)
    )
    base = "" if pd.isna(first["untrained"]) else f" (untrained {first['untrained']:.3f})"
    best = part["pilot"].max()
    tied = [str(name) for name in part.loc[part["pilot"] > best - SAME, "strategy"]]
    end = f"{' and '.join(tied)} tie, so the better score decides" if len(tied) > 1 else f"{pick} reached most"
    seeds = f", {first['n_seeds']} seeds" if first["n_seeds"] > 1 else ""
    return Settled(
        pick,
        others[0],
        f"Settled by short trainings: the {first['k']} best of {first['of']} by {first['metric']} were trained on "
        f"{first['n_pilot']} responses each (epochs {first['epochs']}{seeds}) and asked {n} validation questions, "
        f"which neither the test nor the training has: {reached}{base}. {end}.",
        (pick, *(name for name in tied if name != pick)) if len(tied) > 1 else (),
    )
