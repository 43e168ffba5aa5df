"""Says how far a pick can be trusted, and nothing beyond what was checked; all such sentences are made here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sppl.analysis.bed_checks import shipped_checks
from sppl.analysis.calibration import chance_of, gap
from sppl.analysis.checks import PAIR

ROOM = 1.25
"""A target may be smaller or larger than those of a bed by this factor."""
SIMULATED = "simulated"
COLUMNS = [*PAIR, "metric", "picked", "runner_up", "chance", "bound", "bed", "note", "said"]


@dataclass(frozen=True)
class Case:
    """What is known about one benchmark and target beside the scores.

    Args:
        benchmark, target, metric: their names.
        strategies: all that are ranked.
        source: where the responses come from (`simulated`, `files`, `teacher`, `records`), empty if not known.
        parameters: weights of the target; None if not known.
        teachers: strategy -> who wrote its responses, as far as known.
    """

    benchmark: str
    target: str
    metric: str
    strategies: tuple[str, ...]
    source: str = ""
    parameters: float | None = None
    teachers: Mapping[str, str] | None = None


def confidence(rankings: pd.DataFrame, known: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Returns one row per benchmark, target and metric with a direction: what may be said of its pick.

    Columns: `picked`, `runner_up`; `bed` whose kind of data this is (empty: of none); `chance` that the pick trains
    better than the runner-up and `bound` of what it may lose in 9 of 10 cases (<NA> where they must not be stated);
    `note`, why there is no chance; `said`, all of it in sentences.

    Args:
        rankings: of `sppl.analysis.ranking.rank`, with the facts that the stage `rank` adds, as far as there are.
        known: as `sppl.analysis.bed_checks.shipped_checks`, the default.
    """
    beds = shipped_checks() if known is None else known
    rows = []
    for _, part in rankings[rankings["direction"] != "none"].groupby([*PAIR, "metric"], sort=False):
        ordered = part.sort_values(["rank", "strategy"])
        rows.append(_row(_case(ordered), ordered, beds))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"chance": "Float64", "bound": "Float64"})


def _row(case: Case, ordered: pd.DataFrame, beds: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"benchmark": case.benchmark, "target_model": case.target, "metric": case.metric}
    row |= {"picked": case.strategies[0], "runner_up": "", "chance": pd.NA, "bound": pd.NA, "bed": "", "note": ""}
    if len(case.strategies) < 2:
        return row | {"note": "a single strategy", "said": "A single strategy: nothing was picked."}
    row["runner_up"] = case.strategies[1]
    recipes = recipes_sentence(case)
    bed, why = kind_of(case, beds)
    if bed is None:
        return row | {"note": f"not checked for this kind: {why}", "said": _joined(unchecked_sentence(why), recipes)}
    facts = beds[bed]
    limit = next((one for one in reversed(facts["bounds"][case.metric]) if one["stated"]), None)
    fitted = facts["chances"].get(case.metric)
    row |= {"bed": bed, "bound": limit["bound"] if limit and limit["level"] == 0.9 else pd.NA}
    one, other = _two_values(ordered)
    if one == other:
        row["note"] = "the first two are equal"
    elif fitted is None or not fitted["stated"]:
        row["note"] = (
            "on this kind of data a gap predicted no more than a coin"
            if fitted
            else "no other test bed has this metric"
        )
    else:
        row["chance"] = float(chance_of(fitted["slope"], gap(case.metric, one, other)))
    chance = chance_sentence(row["picked"], row["runner_up"], row["chance"], fitted, row["note"])
    return row | {"said": _joined(bound_sentence(limit, facts), chance, recipes)}


def kind_of(case: Case, beds: Mapping[str, Any]) -> tuple[str | None, str]:
    """Returns the test bed whose kind of data a case is of; where there is none, None and the reason."""
    missing = {name: _differences(case, facts) for name, facts in beds.items()}
    for name, differences in missing.items():
        if not differences:
            return name, ""
    common = [one for one in next(iter(missing.values()), []) if all(one in other for other in missing.values())]
    if common:
        return None, f"no test bed has {_and(common, 'or')}"
    nearest = min(missing.values(), key=len, default=["anything like it"])
    return None, f"no test bed has all of it at once; the nearest lacks {_and(nearest, 'and')}"


def _differences(case: Case, facts: Mapping[str, Any]) -> list[str]:
    """The properties of a case that a bed does not share, in words."""
    sizes, found = facts["targets"], []
    parameters = sizes.get(case.target) if case.source == "records" else case.parameters
    if case.benchmark not in facts["benchmarks"]:
        found.append(f"the benchmark {case.benchmark}")
    if parameters is None:
        found.append("a target of unknown size")
    elif not (sizes and min(sizes.values()) / ROOM <= parameters <= max(sizes.values()) * ROOM):
        found.append(f"a target of {in_words(parameters)} weights")
    if case.source == SIMULATED:
        found.append("simulated responses")
    elif unknown := [name for name in case.strategies if name not in facts["strategies"]]:
        found.append(f"the strateg{'ies' if len(unknown) > 1 else 'y'} {_and(unknown, 'and')}")
    if case.metric not in facts["bounds"]:
        found.append(f"the metric {case.metric}")
    return found


def bound_sentence(limit: Mapping[str, Any] | None, facts: Mapping[str, Any]) -> str:
    """Returns what picks of this kind lost, and how often that bound held on new cases; empty where none did."""
    if limit is None:
        return ""
    sizes = facts["targets"].values()
    n, where = facts["n_benchmarks"], f"{in_words(min(sizes))} to {in_words(max(sizes))} weights"
    held = [
        f"{100 * limit[key]:.0f} % of cases with the {word} left out"
        for key, word in (("left_benchmark", "benchmark"), ("left_target", "target"))
        if limit[key] is not None
    ]
    return (
        f"Such picks lost at most {100 * limit['bound']:.1f} points in {10 * limit['level']:.0f} of 10 cases "
        f"({facts['cases']} cases: {n} benchmark{'s' * (n > 1)}, targets of {where}; it held in {_and(held, 'and')})."
    )


def chance_sentence(picked: str, runner_up: str, chance: Any, fitted: Mapping[str, Any] | None, note: str) -> str:
    """Returns the chance that the pick trains better than the runner-up, and its check; or why none is stated."""
    if pd.isna(chance) or fitted is None:
        return f"Chance that {picked} trains better than {runner_up}: n/a ({note})."
    check = (
        f"its Brier score was {fitted['brier_pick']:.3f} between first and second, a coin's {fitted['coin_pick']:.3f}"
    )
    return (
        f"Chance that {picked} trains better than {runner_up}: {100 * chance:.0f} % (learned on other data; on this "
        f"kind {check})."
    )


def unchecked_sentence(why: str) -> str:
    """Returns the sentence that nothing is known about how far such a pick can be trusted, and why."""
    return f"How far such a pick can be trusted was not checked for this kind of data: {why}."


def recipes_sentence(case: Case) -> str:
    """Returns the sentence that no metric could tell recipes of one teacher apart; empty for other candidates."""
    teachers = {(case.teachers or {}).get(name, "") for name in case.strategies}
    if len(teachers) != 1 or teachers == {""}:
        return ""
    return f"All candidates are recipes of one teacher, {teachers.pop()}: no metric was shown to tell such apart."


def in_words(parameters: float) -> str:
    """Returns a number of weights in words: 0.49 million, 135 million, 7.6 billion."""
    for unit, name in ((1e9, "billion"), (1e6, "million")):
        if parameters >= unit or name == "million":
            return f"{parameters / unit:.2g} {name}" if parameters < 100 * unit else f"{parameters / unit:.0f} {name}"
    raise AssertionError("unreachable")


def _case(ordered: pd.DataFrame) -> Case:
    first = ordered.iloc[0]

    def fact(name: str) -> Any:
        return first[name] if name in ordered and pd.notna(first[name]) else None

    teachers = dict(zip(ordered["strategy"], ordered["teacher"], strict=True)) if "teacher" in ordered else None
    return Case(
        benchmark=str(first["benchmark"]),
        target=str(first["target_model"]),
        metric=str(first["metric"]),
        strategies=tuple(map(str, ordered["strategy"])),
        source=str(fact("source") or ""),
        parameters=None if fact("parameters") is None else float(fact("parameters")),
        teachers=teachers,
    )


def _two_values(ordered: pd.DataFrame) -> tuple[float, float]:
    """The values of the first two, of the same questions where a race dropped the second on the way."""
    one, other = (float(value) for value in ordered["value"].iloc[:2])
    if "first_value" in ordered and pd.notna(ordered["first_value"].iloc[1]):
        one = float(ordered["first_value"].iloc[1])
    return one, other


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _and(names: Sequence[str], word: str) -> str:
    return f" {word} ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
