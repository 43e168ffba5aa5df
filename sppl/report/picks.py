"""The picks of a report: what to train on, and the evidence for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.decision import Decision, decide_by_scores, decide_by_tests
from sppl.analysis.independent import find_independent
from sppl.analysis.ranking import sentence
from sppl.report.settled import Settled

NEXT = "All rows of that strategy, the sample's answers kept (dry=true: what that would cost)"
"""Describes the command after a pick."""
FULL = "The full recipe: its responses, the training, the test (dry=true: what that would cost)"
"""Describes the command after a settled pick."""
SETTLE = "What would settle it: a short training on each of the best, measured on validation questions"
"""Describes the other command after a pick, which settles it."""
RACED = (
    "The race tells, in standard errors, how sure the order of the scores is; how often the better score also trains "
    "better is another scale"
)


@dataclass(frozen=True)
class Tested:
    """What training showed, for `make_pick_list`: the table of strategies, paired differences, settings that vary."""

    rows: pd.DataFrame
    compared: pd.DataFrame
    setups: Sequence[str] = ()


@dataclass(frozen=True)
class Pick:
    """The pick for one benchmark and target: the strategy, its evidence, caveats and the commands to go on with.

    Args:
        benchmark, target: their names.
        decision: the strategies in question.
        runner_up: the second strategy by the same evidence; empty where there is none.
        why: the evidence, a sentence or more per entry, the weightiest first.
        caveats: remarks that limit it.
        command: the command that makes the whole training set of the pick, or trains on it; empty where that is done.
        settle: the command that tries the best by short trainings; empty where that was done or has no runner-up.
        settled: how pilots settled it; empty where they did not.
        risk: how far such a pick can be trusted.
        example: `question`, `responses` (per strategy), `own_answer` and `prompt`, texts; empty where none is kept.
    """

    benchmark: str
    target: str
    decision: Decision
    runner_up: str
    why: tuple[str, ...]
    risk: str
    caveats: tuple[str, ...] = ()
    command: str = ""
    settle: str = ""
    settled: str = ""
    example: Mapping[str, Any] = field(default_factory=dict)

    @property
    def strategy(self) -> str:
        """The first of the strategies in question."""
        return self.decision.names[0]

    @property
    def title(self) -> str:
        """The pick in a line."""
        behind = f", runner-up {self.runner_up}" if self.runner_up and len(self.decision.names) == 1 else ""
        return f"{self.decision.words} ({self.benchmark} / {self.target}){behind}"

    @property
    def said(self) -> str:
        """Everything known about the pick, as one text."""
        return " ".join(filter(None, [*self.why, self.risk, *self.caveats]))

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Descriptions of what can be done now, each with its command."""
        known = [(SETTLE, self.settle), (FULL if self.settled else NEXT, self.command)]
        return [(what, line) for what, line in known if line]


def make_pick_list(
    rankings: pd.DataFrame,
    chances: pd.DataFrame,
    lead: str,
    command: Callable[[str, str, str, bool], str],
    settling: Callable[[str, str], str] = lambda *_: "",
    *,
    settled: Mapping[tuple[str, str], Settled] | None = None,
    judged: pd.DataFrame | None = None,
    tested: Tested | None = None,
    scores: pd.DataFrame | None = None,
    composites: Mapping[str, Sequence[str]] | None = None,
    warnings: Mapping[tuple[str, str], Sequence[str]] | None = None,
    shown: Mapping[tuple[str, str], Mapping[str, Any]] | None = None,
    unsettled: Mapping[str, str] | None = None,
) -> list[Pick]:
    """Returns one pick per benchmark and target.

    Args:
        rankings: of `sppl.analysis.ranking.rank`.
        chances: of `sppl.analysis.confidence.confidence`, of the same rankings.
        lead: the metric that decides where nothing was tested.
        command: returns the next command, given benchmark, target, strategy and whether pilots settled it.
        settling: returns the command that settles between the best strategies, given benchmark and target.
        settled: benchmark and target -> what pilots settled already.
        judged: of `sppl.analysis.summary.metrics_table`: what following the metric cost, where that is known.
        tested: what training showed, where it was done.
        scores: of single responses, which tell copies of a metric from metrics of their own.
        composites: metric -> the metrics it is made of.
        warnings: benchmark and target -> warnings about the training examples.
        shown: benchmark and target -> one example.
        unsettled: benchmark -> why nothing there can be settled by pilots.
    """
    made = []
    for (benchmark, target), part in rankings.groupby(PAIR, sort=False):
        pair = (str(benchmark), str(target))
        led = part[part["metric"] == lead]
        if led.empty:
            continue
        here = _of(chances, pair)
        one = here[here["metric"] == lead].iloc[0]
        done = (settled or {}).get(pair)
        test = _tested(tested, pair)
        scored = decide_by_scores(led, one)
        decision = test or (Decision(done.open or (done.strategy,)) if done else scored)
        order, alone = _order(decision, done, led), led["strategy"].nunique() < 2
        predicted = f"Scores predicted it: {scored.words[0].lower()}{scored.words[1:]}." if test else ""
        agree = _others(part, None if scores is None else _of(scores, pair), composites or {}, lead, str(one["picked"]))
        measured = test.rests_on if test else (done.said,) if done else ()
        lacking = "" if alone or done or test else (unsettled or {}).get(pair[0], "")
        why = [*measured, predicted, f"{sentence(led)}.", *scored.rests_on, agree]
        made.append(
            Pick(
                *pair,
                decision,
                order[1] if len(order) > 1 else "",
                why=tuple(filter(None, [*why, _outcome(judged, pair, lead)])),
                risk="" if alone else _risk(str(one["picked"]), str(one["said"]), settled=bool(done or test)),
                caveats=(*decision.caveats, *_flags(led), *(warnings or {}).get(pair, ()), *_sentences(lacking)),
                command="" if test else command(*pair, decision.names[0], done is not None),
                settle=settling(*pair) if len(order) > 1 and not done and not test else "",
                settled=done.said if done else "",
                example=(shown or {}).get(pair, {}),
            )
        )
    return made


def _of(frame: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    return frame[(frame["benchmark"] == pair[0]) & (frame["target_model"] == pair[1])]


def _tested(tested: Tested | None, pair: tuple[str, str]) -> Decision | None:
    if tested is None:
        return None
    compared = tested.compared if tested.compared.empty else _of(tested.compared, pair)
    return decide_by_tests(_of(tested.rows, pair), compared, tested.setups)


def _order(decision: Decision, done: Settled | None, led: pd.DataFrame) -> list[str]:
    """The strategies in the order of the evidence as far as it goes, then in that of the score."""
    second = [done.runner_up] if done else []
    scored = led.sort_values(["rank", "strategy"])["strategy"].astype(str)
    return list(dict.fromkeys([*decision.names, *second, *scored]))


def _risk(picked: str, said: str, *, settled: bool) -> str:
    return (
        f"Of {picked} as the score's own pick, without any training: {said[:1].lower()}{said[1:]}" if settled else said
    )


def _flags(led: pd.DataFrame) -> list[str]:
    """Remarks on deciding scores that are not as asked for, and on the scale in which a race was decided."""
    flag = str(led["flag"].iloc[0]) if "flag" in led else ""
    raced = "first_value" in led and bool(led["first_value"].notna().any())
    return _sentences(flag, RACED if raced else "")


def _sentences(*said: str) -> list[str]:
    return [f"{one[:1].upper()}{one[1:]}." for one in said if one]


def _others(
    rankings: pd.DataFrame,
    scores: pd.DataFrame | None,
    composites: Mapping[str, Sequence[str]],
    lead: str,
    name: str,
) -> str:
    """How many independent metrics agree, and which do not count, with the reason; empty for a single strategy."""
    if rankings["strategy"].nunique() < 2:
        return ""
    counted, out = find_independent(rankings, scores, composites, lead)
    first = rankings.sort_values(["rank", "strategy"]).drop_duplicates("metric").set_index("metric")["strategy"]
    agree = [metric for metric in counted if str(first[metric]) == name]
    reasons: dict[str, list[str]] = {}
    for metric, reason in out.items():
        reasons.setdefault(reason, []).append(metric)
    apart = "; ".join(f"{', '.join(names)} {reason}" for reason, names in reasons.items())
    beside = f" Not counted: {apart}." if apart else ""
    if not counted:
        return beside.strip()
    many = f"{len(counted)} metrics with a direction" if len(counted) > 1 else "the 1 metric with a direction"
    return f"Of {many} {len(agree)} put{'s' * (len(agree) == 1)} {name} first.{beside}"


def _outcome(judged: pd.DataFrame | None, pair: tuple[str, str], lead: str) -> str:
    """What training on all strategies showed; empty where it was not done, or with several settings."""
    if judged is None or judged.empty:
        return ""
    found = _of(judged, pair)
    found = found[found["metric"] == lead]
    if len(found) != 1 or pd.isna(found["regret"].iloc[0]):
        return ""
    one = found.iloc[0]
    return (
        f"Trained on {one['picked']}, which {lead} picks, the target reached {one['picked_accuracy']:.3f}; the best "
        f"strategy reached {one['best_accuracy']:.3f}: {100 * one['regret']:.1f} points lost."
    )
