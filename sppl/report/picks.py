"""Which strategy to pay for, as a ranking tells it, or as pilots settled it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.ranking import sentence
from sppl.report.settled import Settled

NEXT = "Its full training set, the sample's answers kept (dry=true: what that would cost)"
"""What the command after a pick makes."""
FULL = "The full recipe: all its responses, the training, the test (dry=true: what that would cost)"
"""What the command after a settled pick makes."""
SETTLE = "What would settle it: a short training on each of the best, measured on validation questions"
"""What the other command after a pick makes."""


@dataclass(frozen=True)
class Pick:
    """One benchmark and target: the strategy, why, what it may cost to be wrong, and the commands that go on with it.

    `settle` tries the best by short trainings; empty where that was done, or where there is no runner-up. `settled`
    says how it was done. `outcome` says what training really brought, where it was done.
    """

    benchmark: str
    target: str
    strategy: str
    runner_up: str
    why: str
    risk: str
    command: str
    settle: str = ""
    settled: str = ""
    outcome: str = ""

    @property
    def title(self) -> str:
        """The pick in a line."""
        behind = f", runner-up {self.runner_up}" if self.runner_up else ""
        return f"The pick for {self.benchmark} / {self.target}: {self.strategy}{behind}"

    @property
    def said(self) -> str:
        """All that is known of it."""
        return " ".join(filter(None, [self.settled, self.why, self.risk]))

    @property
    def commands(self) -> list[tuple[str, str]]:
        """What can be done now, each with its command."""
        next_ = (FULL if self.settled else NEXT, self.command)
        return [(SETTLE, self.settle), next_] if self.settle else [next_]


def picks(
    rankings: pd.DataFrame,
    chances: pd.DataFrame,
    lead: str,
    command: Callable[[str, str, str, bool], str],
    settling: Callable[[str, str], str] = lambda *_: "",
    *,
    settled: Mapping[tuple[str, str], Settled] | None = None,
    judged: pd.DataFrame | None = None,
) -> list[Pick]:
    """One pick per benchmark and target.

    Args:
        rankings: of `sppl.analysis.ranking.rank`.
        chances: of `sppl.analysis.confidence.confidence`, of the same rankings.
        lead: the metric that decides.
        command: of benchmark, target, strategy and whether pilots settled it, what to type next.
        settling: of benchmark and target, what to type to settle between the best strategies.
        settled: benchmark and target -> what pilots settled already.
        judged: of `sppl.analysis.summary.metrics_table`: what following the metric really cost, where that is known.
    """
    made = []
    for (benchmark, target), part in rankings.groupby(PAIR, sort=False):
        pair = (str(benchmark), str(target))
        here = chances[(chances["benchmark"] == benchmark) & (chances["target_model"] == target)]
        led = part[part["metric"] == lead]
        if led.empty:
            continue
        one = here[here["metric"] == lead].iloc[0]
        done = (settled or {}).get(pair)
        name, second = (done.strategy, done.runner_up) if done else (str(one["picked"]), str(one["runner_up"]))
        flag = f" But {led['flag'].iloc[0]}." if "flag" in led and led["flag"].iloc[0] else ""
        made.append(
            Pick(
                *pair,
                name,
                second,
                why=f"{sentence(led)}. {_others(part, here, str(one['picked']))}{flag}",
                risk=_risk(str(one["picked"]), str(one["said"]), settled=done is not None),
                command=command(*pair, name, done is not None),
                settle=settling(*pair) if second and not done else "",
                settled=done.said if done else "",
                outcome=_outcome(judged, pair, lead),
            )
        )
    return made


def _risk(picked: str, said: str, *, settled: bool) -> str:
    return f"Of {picked} as the score's own pick, without short trainings: {said}" if settled else said


def _others(rankings: pd.DataFrame, chances: pd.DataFrame, name: str) -> str:
    directed = set(rankings.loc[rankings["direction"] != "none", "metric"])
    known = chances[chances["metric"].isin(directed)]
    agree = int((known["picked"] == name).sum())
    return f"Of {len(known)} metrics with a direction {agree} put{'s' if agree == 1 else ''} {name} first."


def _outcome(judged: pd.DataFrame | None, pair: tuple[str, str], lead: str) -> str:
    """What training on all showed; empty where it was not done, or only with several settings."""
    if judged is None or judged.empty:
        return ""
    found = judged[(judged["benchmark"] == pair[0]) & (judged["target_model"] == pair[1]) & (judged["metric"] == lead)]
    if len(found) != 1 or pd.isna(found["regret"].iloc[0]):
        return ""
    one = found.iloc[0]
    return (
        f"Trained on {one['picked']}, which {lead} picks, the target reached {one['picked_accuracy']:.3f}; the best "
        f"strategy reached {one['best_accuracy']:.3f}: {100 * one['regret']:.1f} points lost."
    )
