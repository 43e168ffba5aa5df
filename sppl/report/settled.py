"""Says in sentences how pilots settled a shortlist."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.paired import leaves_no_doubt
from sppl.analysis.wilson import wilson

MORE = "; more validation questions (n_validation) or seeds (policy.seeds=[0,1,2]) would tell"
"""What to do where pilots leave it open."""
SAME = 1e-9
"""Accuracies nearer to each other than this are the same."""


@dataclass(frozen=True)
class Settled:
    """The strategy that pilots settled on, the next best one, and how it came about."""

    strategy: str
    runner_up: str
    said: str
    open: tuple[str, ...] = ()
    """The strategies that the pilots leave in question, the pick first; empty where they settled it."""


def read_settled(shortlists: pd.DataFrame) -> dict[tuple[str, str], Settled]:
    """Returns benchmark and target -> what the pilots settled; of several shortlists of one pair the last counts.

    Args:
        shortlists: of `sppl.study.pilot_summary.pilot_outcomes_of`; may be empty.
    """
    if shortlists.empty:
        return {}
    found = {}
    for (benchmark, target, _), part in shortlists.groupby([*PAIR, "metric"], sort=False):
        found[str(benchmark), str(target)] = _settle(part)
    return found


def _settle(part: pd.DataFrame) -> Settled:
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
    others_by = {str(row["strategy"]): row for row in part.to_dict("records") if row["strategy"] != pick}
    close = [name for name in others if not leaves_no_doubt(others_by[name])]
    seeds = f", {first['n_seeds']} seeds" if first["n_seeds"] > 1 else ""
    return Settled(
        pick,
        others[0],
        f"{'Short trainings did not settle it' if close else 'Settled by short trainings'}: the {first['k']} best of "
        f"{first['of']} by {first['metric']} were trained on {first['n_pilot']} responses each (epochs "
        f"{first['epochs']}{seeds}) and asked {n} validation questions, which neither the test nor the training has: "
        f"{reached}{base}. {_compare(pick, others_by[(close or others)[0]], n)}{MORE * bool(close)}.",
        (pick, *close) if close else (),
    )


def _compare(pick: str, other: Mapping[Hashable, Any], n: int) -> str:
    """How far the pick is ahead of another strategy on the same questions."""
    if abs(other["ahead"]) < SAME:
        return f"{pick} and {other['strategy']} tie, so the better score decides which is named first"
    points = " to ".join(f"{100 * other[end]:+.1f}" for end in ("low", "high"))
    test = "" if pd.isna(other["p"]) else f"; exact test: p = {other['p']:.2g}"
    ahead = f"{100 * other['ahead']:.1f} points ahead of {other['strategy']}"
    return f"On the same {n} questions {pick} is {ahead} (95 %: {points}{test})"
