"""Which strategy to pay for, as a ranking without accuracies tells it."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.ranking import sentence

NEXT = "Its full training set, the sample's answers kept (dry=true: what that would cost)"
"""What the command after a pick makes."""
SETTLE = "What would settle it between the two: a short training on each (measured on the test questions)"
"""What the other command after a pick makes."""


@dataclass(frozen=True)
class Pick:
    """One benchmark and target: the strategy, why, how sure that is, and the commands that go on with it.

    `settle` tries pick and runner-up by short trainings; empty where there is no runner-up.
    """

    benchmark: str
    target: str
    strategy: str
    runner_up: str
    said: str
    command: str
    settle: str = ""

    @property
    def title(self) -> str:
        """The pick in a line."""
        behind = f", runner-up {self.runner_up}" if self.runner_up else ""
        return f"The pick for {self.benchmark} / {self.target}: {self.strategy}{behind}"


def picks(
    rankings: pd.DataFrame,
    chances: pd.DataFrame,
    lead: str,
    command: Callable[[str, str, str], str],
    settling: Callable[[str, str, list[str]], str] = lambda *_: "",
) -> list[Pick]:
    """One pick per benchmark and target.

    Args:
        rankings: of `sppl.analysis.ranking.rank`.
        chances: of `sppl.analysis.confidence.confidence`, of the same rankings.
        lead: the metric that decides.
        command: of benchmark, target and strategy, what to type next.
        settling: of benchmark, target and the two best strategies, what to type to settle between them.
    """
    made = []
    for (benchmark, target), part in rankings.groupby(PAIR, sort=False):
        here = chances[(chances["benchmark"] == benchmark) & (chances["target_model"] == target)]
        one = here[here["metric"] == lead].iloc[0]
        name, second = str(one["picked"]), str(one["runner_up"])
        led = part[part["metric"] == lead]
        flag = f" But {led['flag'].iloc[0]}." if "flag" in led and led["flag"].iloc[0] else ""
        said = f"{sentence(led)}. {one['said']} {_others(part, here, name)}{flag}"
        next_ = command(str(benchmark), str(target), name)
        settle = settling(str(benchmark), str(target), [name, second]) if second else ""
        made.append(Pick(str(benchmark), str(target), name, second, said, next_, settle))
    return made


def _others(rankings: pd.DataFrame, chances: pd.DataFrame, name: str) -> str:
    directed = set(rankings.loc[rankings["direction"] != "none", "metric"])
    known = chances[chances["metric"].isin(directed)]
    agree = int((known["picked"] == name).sum())
    return f"Of {len(known)} metrics with a direction {agree} put{'s' if agree == 1 else ''} it first."
