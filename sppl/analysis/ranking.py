"""From scores to an order of strategies, with how far the order can be trusted."""

from collections.abc import Sequence

import pandas as pd

from sppl.analysis.checks import PAIR, checked_examples, checked_scores, checked_strategies
from sppl.analysis.correlation import average_ranks
from sppl.analysis.resampling import KEYS, RankedMetric, interval, resampled_values, share_first
from sppl.schemas import UserError

DIRECTION = {True: "higher", False: "lower", None: "none"}
SLICES_ONLY = "n/a (slice means only)"
NUMBERS = ["value", "rank", "n_examples", "low", "high", "p_first", "n_resamples"]
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
    """Rankings: one row per benchmark, target, metric and strategy, best strategy first.

    `rank` is 1 for the best by the metric's `direction` (lower, higher), equal values share the mean of their ranks; a
    metric without direction (`none`) is ranked by value, low first, and has no `p_first`. `low` and `high` are the ends
    of the bootstrap interval of the value, `p_first` is the share of resamples in which the strategy is best. These
    three are <NA> where there are no scores per example, and `note` says so.

    Args:
        scores: as `sppl.schemas.TABLES["scores"]`; of a metric that has slice means only, the longest slice counts
            (of equally long ones the first) that all strategies have.
        metrics: which of the scores' metrics to rank by.
        strategies: who must be there; None asks every metric to have all strategies that any of them has.
        resamples: bootstrap resamples of whole examples, the same for all strategies.
        seed: of the resampling; equal seeds draw the same examples in every pair.
        level: of the interval.

    Raises:
        UserError: NaN, duplicates, a metric or strategy without scores, or unequal sets of examples.
    """
    frame = checked_scores(scores)
    parts = []
    for (benchmark, target), pair in frame.groupby(PAIR, sort=True):
        where = f"{benchmark} / {target}"
        used = pair[pair["metric"].isin([metric.name for metric in metrics])]
        asked = list(strategies) if strategies is not None else sorted(used["strategy"].unique())
        for metric in metrics:
            group = pair[(pair["metric"] == metric.name) & pair["strategy"].isin(asked)]
            if not (pair["metric"] == metric.name).any():
                there = ", ".join(sorted(pair["metric"].unique()))
                raise UserError(f"{where}: no scores of {metric.name} (there are: {there}); run stage=score with it.")
            checked_strategies(group, asked, metric.name, where)
            checked_examples(group, metric.name, where)
            part = _ranked(group, metric, resamples, seed, level, where)
            parts.append(part.assign(benchmark=str(benchmark), target_model=str(target)))
    if not parts:
        raise UserError("there are no scores to rank; make them: python run.py stage=score")
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _ranked(
    group: pd.DataFrame, metric: RankedMetric, resamples: int, seed: int, level: float, where: str
) -> pd.DataFrame:
    if group["example_id"].isna().all():
        frame = _from_slices(group, metric.name, where)
    else:
        frame = _from_examples(group, metric, resamples, seed, level)
    frame["rank"] = average_ranks(-frame["value"] if metric.higher_is_better else frame["value"])
    if len(frame) == 1:
        frame["note"] = [note or "a single strategy: nothing to compare" for note in frame["note"]]
    if metric.higher_is_better is None:
        frame["note"] = [note or "no direction: ranked low first, predicts nothing" for note in frame["note"]]
    frame = frame.assign(metric=metric.name, direction=DIRECTION[metric.higher_is_better])
    whole, real = ["n_examples", "n_resamples"], ["low", "high", "p_first"]
    frame = frame.astype(dict.fromkeys(whole, "Int64") | dict.fromkeys(real, "Float64"))
    return frame.sort_values(["rank", "strategy"], ignore_index=True)


def _from_examples(group: pd.DataFrame, metric: RankedMetric, resamples: int, seed: int, level: float) -> pd.DataFrame:
    rows = group[group["example_id"].notna()].dropna(axis="columns", how="all")
    examples = {str(strategy): part.sort_values("example_id") for strategy, part in rows.groupby("strategy", sort=True)}
    drawn = resampled_values(examples, metric, resamples=resamples, seed=seed)
    low, high = interval(drawn, level)
    first = pd.NA if metric.higher_is_better is None else share_first(drawn, metric.higher_is_better)
    return pd.DataFrame(
        {
            "strategy": list(examples),
            "value": [float(metric.aggregate(part.drop(columns=KEYS, errors="ignore"))) for part in examples.values()],
            "n_examples": [len(part) for part in examples.values()],
            "low": low,
            "high": high,
            "p_first": first,
            "n_resamples": resamples,
            "note": "",
        }
    )


def _from_slices(group: pd.DataFrame, metric: str, where: str) -> pd.DataFrame:
    """The longest slice that all strategies have."""
    n_strategies = group["strategy"].nunique()
    slices = group.groupby(["start", "end"], dropna=False)["strategy"].nunique().reset_index()
    common = slices[slices["strategy"] == n_strategies]
    if common.empty:
        raise UserError(f"{where}: no slice of {metric} is there for all strategies; nothing can be compared.")
    length = (common["end"] - common["start"]).fillna(0)
    chosen = common.loc[length.sort_values(ascending=False, kind="stable").index[0]]
    same = (group["start"].astype("Int64") == chosen["start"]) & (group["end"].astype("Int64") == chosen["end"])
    rows = group[same.fillna(pd.isna(chosen["start"]))]
    nothing = dict.fromkeys(["low", "high", "p_first", "n_resamples"], pd.NA)
    frame = rows[["strategy", "value"]].reset_index(drop=True)
    return frame.assign(n_examples=chosen["end"] - chosen["start"], note=SLICES_ONLY, **nothing)


def sentence(rankings: pd.DataFrame) -> str:
    """What one ranking (one benchmark, target and metric) says, in plain words."""
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
    if pd.isna(one["p_first"]):
        return f"{ahead}; how sure that is cannot be said: there are no scores per question"
    return (
        f"{ahead}; on {one['n_resamples']:,} resamples of the {one['n_examples']} questions it stays first "
        f"{100 * one['p_first']:.0f} % of the time"
    )
