"""Decides which strategies are in question: by tests after training where there are any, else by the scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sppl.analysis.outcomes import UNTRAINED
from sppl.analysis.paired import leaves_no_doubt

SURE = 0.95
"""First in fewer resamples, a strategy is not ahead for sure; its rivals are those that are first in more than 5 %."""
LIKELY = 0.6
"""A checked chance below this is near a coin's."""
ONE_SEED = "One seed each: what another seed changes is not in these intervals."


@dataclass(frozen=True)
class Decision:
    """The strategies in question, the best first (a single one is clear), and the evidence in sentences."""

    names: tuple[str, ...]
    rests_on: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The decision in a few words."""
        if len(self.names) == 1:
            return f"Train on {self.names[0]}"
        return f"Too close to call: {join_alternatives(self.names)}"


def join_alternatives(names: Sequence[str], most: int = 4) -> str:
    """Returns alternatives in words: `a, b or c`; many are counted."""
    shown = list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} others"]
    return " or ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def decide_by_scores(led: pd.DataFrame, stated: Any) -> Decision:
    """Decides by a metric, before anything is trained.

    Too close to call are equal values, strategies that some resamples put first, and the first two where the kind of
    data was checked and no bound on what such a pick loses held, or the chance that it is right is near a coin's.

    Args:
        led: the ranking by that metric, of one benchmark and target.
        stated: the row of `sppl.analysis.confidence.confidence` about it.
    """
    ordered = led.sort_values(["rank", "strategy"])
    names = [str(name) for name in ordered["strategy"]]
    if len(names) < 2:
        return Decision((names[0],))
    best = ordered["value"].iloc[0]
    tied = [str(row.strategy) for row in ordered.itertuples() if row.value == best and not _dropped(row)]
    if len(tied) > 1:
        return Decision(tuple(tied), ("Their scores are equal.",))
    shares = ordered.set_index("strategy")["p_first"].dropna().astype(float)
    if names[0] in shares and shares[names[0]] < SURE:
        rivals = [name for name in names[1:] if shares.get(name, 0.0) > 1 - SURE] or [names[1]]
        told = ", ".join(f"{name} in {100 * shares.get(name, 0.0):.0f} %" for name in (names[0], *rivals))
        return Decision((names[0], *rivals), (f"Resampled questions put different strategies first: {told} of cases.",))
    if stated["bed"] and pd.isna(stated["bound"]):
        why = "On this kind of data no bound on what such a pick loses in 9 of 10 cases held."
        return Decision((names[0], names[1]), (why,))
    if pd.notna(stated["chance"]) and stated["chance"] < LIKELY:
        why = f"The better score trains better in {100 * stated['chance']:.0f} % of such cases: near a coin's."
        return Decision((names[0], names[1]), (why,))
    return Decision((names[0],))


def _dropped(row: Any) -> bool:
    """Whether a race dropped a strategy, so that its value is of other questions than the first one's."""
    return "dropped" in str(getattr(row, "race", ""))


def decide_by_tests(rows: pd.DataFrame, compared: pd.DataFrame, setups: Sequence[str]) -> Decision | None:
    """Decides by tests after training; None where not every ranked strategy was tested, or only one was.

    A strategy that is behind the best by no more than chance, on the same questions, is in question too.

    Args:
        rows: of `sppl.analysis.summary.strategies_table`, of one benchmark and target.
        compared: of `sppl.analysis.paired.compare_pairs`, of the same.
        setups: the columns of settings that vary between the rows; each combination is a test by itself.
    """
    own = rows[rows["strategy"] != UNTRAINED]
    if own.empty or own["accuracy"].isna().any() or own["strategy"].nunique() < 2:
        return None
    parts = [part for _, part in own.groupby(list(setups), dropna=False, sort=False)] if setups else [own]
    found = [_of_one_test(part, compared, setups) for part in parts]
    if any(one is None for one in found):
        return None
    decisions = [one for one in found if one is not None]
    names = list(dict.fromkeys(name for one in decisions for name in one.names))
    said = tuple(line for one in decisions for line in one.rests_on)
    said += (ONE_SEED,) if (own["n_seeds"] == 1).any() else ()
    return Decision(tuple(names), said, _below_untrained(rows, names))


def _of_one_test(part: pd.DataFrame, compared: pd.DataFrame, setups: Sequence[str]) -> Decision | None:
    ordered = part.sort_values(["rank_accuracy", "strategy"])
    if len(ordered) < 2:
        return None
    best, names = ordered.iloc[0], [str(name) for name in ordered["strategy"]]
    where = ", ".join(f"{name}={best[name]}" for name in setups if pd.notna(best[name]))
    gaps = {name: _gap(compared, where, names[0], name) for name in names[1:]}
    close = [name for name, gap in gaps.items() if gap is None or not leaves_no_doubt(gap)]
    reached = ", ".join(f"{row['strategy']} {accuracy_words(row)}" for row in ordered.to_dict("records"))
    line = f"Trained and tested{f' with {where}' if where else ''}: {reached}."
    if (gap := gaps[names[1]]) is not None:
        points = " to ".join(f"{100 * gap[end]:+.1f}" for end in ("low", "high"))
        ahead = f"{100 * gap['difference']:.1f} points ahead of" if gap["difference"] else "level with"
        line += f" On the same {gap['n_questions']} questions {names[0]} is {ahead} {names[1]} (95 %: {points})."
    return Decision((names[0], *close), (line,))


def _gap(compared: pd.DataFrame, where: str, one: str, other: str) -> dict[str, Any] | None:
    """The paired difference `one` minus `other`; None where the two were not compared."""
    if compared.empty:
        return None
    varied = {pair for pair in where.split(", ") if pair}
    rows: list[Any] = compared.to_dict("records")
    for row in rows:
        here = varied <= set(str(row["setup"]).split(", "))
        if here and (row["strategy"], row["other"]) == (one, other):
            return row
        if here and (row["strategy"], row["other"]) == (other, one):
            return row | {"difference": 0.0 - row["difference"], "low": 0.0 - row["high"], "high": 0.0 - row["low"]}
    return None


def _below_untrained(rows: pd.DataFrame, names: Sequence[str]) -> tuple[str, ...]:
    base = rows.loc[rows["strategy"] == UNTRAINED, "accuracy"].dropna()
    own = rows.loc[rows["strategy"].isin(names), "accuracy"].dropna()
    if base.empty or own.max() > base.iloc[0]:
        return ()
    return (f"No training helped: the untrained target reached {base.iloc[0]:.3f}.",)


def accuracy_words(row: Any) -> str:
    """Returns an accuracy with its interval, as text."""
    low, high = row.get("accuracy_low", pd.NA), row.get("accuracy_high", pd.NA)
    ends = "" if pd.isna(low) else f" [{low:.3f}, {high:.3f}]"
    return f"{row['accuracy']:.3f}{ends}"
