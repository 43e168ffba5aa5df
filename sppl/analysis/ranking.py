"""Ranks strategies by scores, with bootstrap figures on how far the order can be trusted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sppl.analysis.checks import PAIR, check_examples, check_metrics, check_scores, check_strategies
from sppl.analysis.correlation import average_ranks
from sppl.analysis.per_question import NONE, per_question
from sppl.analysis.resampling import KEYS, RankedMetric, interval, resampled_values, share_first, value_of
from sppl.schemas import UserError

DIRECTION = {True: "higher", False: "lower", None: "none"}
SLICES_ONLY = "n/a (slice means only)"
NOTHING = dict.fromkeys(["low", "high", "p_first"], pd.NA) | NONE
NUMBERS = ["value", "rank", "n_examples", "low", "high", "p_first", "n_resamples", *NONE]
COLUMNS = [*PAIR, "metric", "direction", "strategy", *NUMBERS, "note"]


def rank(
    scores: pd.DataFrame,
    metrics: Sequence[RankedMetric],
    *,
    strategies: Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Returns rankings: one row per benchmark, target, metric and strategy, best strategy first.

    `rank` is 1 for the best by the metric's `direction` (lower, higher), equal values share the mean of their ranks; a
    metric without direction (`none`) is ranked by value, low first, and has no `p_first`. `low` and `high` are the ends
    of the bootstrap interval of the value, `p_first` is the share of resamples in which the strategy is best.
    `share_won`, `spread_ratio` and `n_needed` are those of `sppl.analysis.per_question`. These six are <NA> where there
    are no scores per example, and `note` says so.

    Args:
        scores: as `sppl.schemas.TABLES["scores"]`; of a metric that has slice means only, the longest slice counts
            (of equally long ones the first) that all strategies have.
        metrics: which of the scores' metrics to rank by.
        strategies: who must be there; None asks every metric to have all strategies that any of them has.
        resamples: bootstrap resamples of whole examples, the same for all strategies; 0 leaves the confidence out.
        seed: of the resampling; equal seeds draw the same examples in every pair.
        level: of the interval.

    Raises:
        UserError: NaN, duplicates, a metric or strategy without scores, or unequal sets of examples.
    """
    frame = check_scores(scores)
    names = [metric.name for metric in metrics]
    groups = {(str(b), str(t), str(m)): group for (b, t, m), group in frame.groupby([*PAIR, "metric"], sort=True)}
    parts: list[dict[str, Any]] = []
    for benchmark, target in sorted({key[:2] for key in groups}):
        where = f"{benchmark} / {target}"
        check_metrics(names, [key[2] for key in groups if key[:2] == (benchmark, target)], where)
        found = {name: groups[benchmark, target, name] for name in names}
        asked = strategies or sorted(set().union(*(set(group["strategy"]) for group in found.values())))
        for metric in metrics:
            group = found[metric.name]
            check_strategies(group, asked, metric.name, where)
            group = _of_one_kind(group[group["strategy"].isin(list(asked))], metric.name, where)
            rows = _values(group, metric, where, resamples=resamples, seed=seed, level=level)
            parts += _ranked(rows, metric, {"benchmark": benchmark, "target_model": target})
    if not parts:
        raise UserError("there are no scores to rank; the stage `score` makes them")
    whole = ["n_examples", "n_resamples", "n_needed"]
    real = ["low", "high", "p_first", "share_won", "spread_ratio"]
    return pd.DataFrame(parts, columns=COLUMNS).astype(dict.fromkeys(whole, "Int64") | dict.fromkeys(real, "Float64"))


def _ranked(rows: list[dict[str, Any]], metric: RankedMetric, pair: dict[str, str]) -> list[dict[str, Any]]:
    """The rows with their rank, direction and note, best first."""
    values = np.array([row["value"] for row in rows])
    common = pair | {"metric": metric.name, "direction": DIRECTION[metric.higher_is_better]}
    remark = "a single strategy: nothing to compare" if len(rows) == 1 else ""
    remark = remark or ("no direction: ranked low first, predicts nothing" if metric.higher_is_better is None else "")
    for row, place in zip(rows, average_ranks(-values if metric.higher_is_better else values), strict=True):
        row |= common | {"rank": float(place), "note": row["note"] or remark}
    return sorted(rows, key=lambda row: (row["rank"], row["strategy"]))


def _of_one_kind(group: pd.DataFrame, metric: str, where: str) -> pd.DataFrame:
    """The scores per example where all strategies have them, the slice means otherwise."""
    per_example = group["example_id"].notna().to_numpy()
    names = group["strategy"].to_numpy()
    asked, detailed, sliced = set(names), set(names[per_example]), set(names[~per_example])
    if asked == detailed:
        check_examples(group[per_example], metric, where)
        return group[per_example]
    if asked == sliced:
        return group[~per_example]
    without = ", ".join(sorted(asked - detailed))
    raise UserError(f"{where}: {metric} has scores per example, but only slice means of {without}.")


def _values(
    group: pd.DataFrame, metric: RankedMetric, where: str, *, resamples: int, seed: int, level: float
) -> list[dict[str, Any]]:
    """Per strategy its value with bootstrap figures; `group` is sorted by strategy and example."""
    if group["example_id"].isna().iloc[0]:
        return _from_slices(group, metric.name, where)
    names, starts = np.unique(group["strategy"].to_numpy(dtype=str), return_index=True)
    own = group[[column for column in group if column not in KEYS]].dropna(axis=1, how="all")
    parts = [own.iloc[start : start + len(own) // len(names)] for start in starts]
    examples = {str(name): part for name, part in zip(names, parts, strict=True)}
    rows = [
        {"strategy": name, "value": value_of(metric, part), "n_examples": len(part), "n_resamples": resamples}
        for name, part in examples.items()
    ]
    if not resamples:
        return [row | NOTHING | {"note": "n/a (no resampling asked for)"} for row in rows]
    drawn = resampled_values(examples, metric, resamples=resamples, seed=seed)
    first = [pd.NA] * len(rows) if metric.higher_is_better is None else share_first(drawn, metric.higher_is_better)
    single = per_question(examples, metric, seed=seed)
    return [
        row | {"low": low, "high": high, "p_first": share, "note": ""} | single[row["strategy"]]
        for row, low, high, share in zip(rows, *interval(drawn, level), first, strict=True)
    ]


def _from_slices(group: pd.DataFrame, metric: str, where: str) -> list[dict[str, Any]]:
    """Per strategy its mean over the longest slice that all strategies have."""
    cells = group[["strategy", "start", "end", "value"]].itertuples(index=False)
    slices: dict[Any, dict[str, float]] = {}
    for strategy, start, end, value in cells:
        slices.setdefault(None if pd.isna(start) else (int(start), int(end)), {})[strategy] = value
    n_strategies = group["strategy"].nunique()
    common = [key for key, values in slices.items() if len(values) == n_strategies]
    if not common:
        raise UserError(f"{where}: no slice of {metric} is there for all strategies; nothing can be compared.")
    chosen = min(common, key=lambda key: (key[0] - key[1], key[0]) if key else (0, 0))
    size = chosen[1] - chosen[0] if chosen else pd.NA
    common_part = {"n_examples": size, "n_resamples": 0, "note": SLICES_ONLY} | NOTHING
    return [{"strategy": name, "value": value} | common_part for name, value in sorted(slices[chosen].items())]


def sentence(rankings: pd.DataFrame) -> str:
    """Returns one ranking (one benchmark, target and metric) in words."""
    rows = rankings.sort_values(["rank", "strategy"], ignore_index=True)
    one = rows.iloc[0]
    best = list(rows.loc[rows["value"] == one["value"], "strategy"])
    if len(rows) == 1:
        return f"{one['strategy']} is the only strategy: there is nothing to compare"
    if one["direction"] == "none":
        return f"{one['strategy']} has the lowest {one['metric']}, which has no direction and predicts nothing"
    if len(best) > 1:
        return f"{' and '.join(best)} share the first place by {one['metric']}"
    ahead = f"{one['strategy']} is ahead of {rows['strategy'].iloc[1]} by {one['metric']}"
    if pd.isna(one["p_first"]) and pd.notna(one.get("first_value")):
        return f"{ahead}; {one['strategy']} {one['race']}, {rows['strategy'].iloc[1]} was {rows['race'].iloc[1]}"
    if pd.isna(one["p_first"]):
        return f"{ahead}; how sure that is cannot be said: there are no scores per question"
    return (
        f"{ahead}; on {one['n_resamples']:,} resamples of the {one['n_examples']} questions it stays first "
        f"{100 * one['p_first']:.0f} % of the time"
    )
