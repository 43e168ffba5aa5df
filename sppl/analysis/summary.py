"""Rankings beside outcomes: the table of strategies, and the table that judges the metrics."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.correlation import average_ranks, spearman, why_undefined
from sppl.analysis.outcomes import UNTRAINED, accuracies, settings, varying
from sppl.analysis.resampling import RankedMetric
from sppl.analysis.spread import spearman_interval

NO_SCORE = "no score: not ranked"
NO_ACCURACY = "no accuracy: not trained or not benchmarked"


def table(rankings: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """One row per benchmark, target, setup and strategy, best accuracy first; nothing that is missing is left out.

    Columns: keys; the settings that vary between setups; one column per metric with its value; `accuracy` (mean over
    seeds), its standard error `accuracy_se`, `n_seeds`, `gain` over the untrained target; `rank_accuracy` and
    `rank_<metric>` (1 = best, ties share their mean rank); `note`. A cell without a value is <NA>, and `note` says why.

    Raises:
        UserError: accuracies or setups that cannot be used, see `accuracies`.
    """
    metrics, extra = list(dict.fromkeys(rankings["metric"])), varying(outcomes["setup"])
    rows = [_of_setup(ranked, reached) for ranked, reached in _setups(rankings, outcomes)]
    frame = pd.concat(rows, ignore_index=True)
    for name in extra:
        frame[name] = [settings(setup).get(name, pd.NA) for setup in frame["setup"]]
    for name in [*metrics, *(f"rank_{metric}" for metric in metrics)]:
        frame[name] = frame[name].astype("Float64") if name in frame else pd.array([pd.NA] * len(frame), "Float64")
    ranks = ["rank_accuracy", *(f"rank_{metric}" for metric in metrics)]
    outcome = ["accuracy", "accuracy_se", "n_seeds", "gain"]
    return frame[[*PAIR, *extra, "strategy", *metrics, *outcome, *ranks, "note"]]


def _setups(rankings: pd.DataFrame, outcomes: pd.DataFrame) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Per benchmark, target and setup: the rankings (the same for all setups) and the accuracies."""
    reached = accuracies(outcomes)
    pairs = pd.concat([rankings[PAIR], reached[PAIR]]).drop_duplicates().sort_values(PAIR)
    parts = []
    for benchmark, target in pairs.itertuples(index=False):
        here = rankings[(rankings["benchmark"] == benchmark) & (rankings["target_model"] == target)]
        there = reached[(reached["benchmark"] == benchmark) & (reached["target_model"] == target)]
        for setup in there["setup"].unique() if len(there) else [""]:
            part = there[there["setup"] == setup]
            key = {"benchmark": benchmark, "target_model": target, "setup": setup}
            parts.append((here.assign(**key), part.assign(**key)))
    return parts


def _of_setup(ranked: pd.DataFrame, reached: pd.DataFrame) -> pd.DataFrame:
    key = [*PAIR, "setup", "strategy"]
    values = ranked.pivot(index=key, columns="metric", values="value")
    ranks = ranked.pivot(index=key, columns="metric", values="rank").add_prefix("rank_")
    frame = values.join(ranks).reset_index().merge(reached, on=key, how="outer")
    trained = frame["accuracy"].notna() & (frame["strategy"] != UNTRAINED)
    frame["rank_accuracy"] = pd.array([pd.NA] * len(frame), "Float64")
    frame.loc[trained, "rank_accuracy"] = average_ranks(-frame.loc[trained, "accuracy"])
    scored = frame["strategy"].isin(set(ranked["strategy"])) | (frame["strategy"] == UNTRAINED)
    frame["note"] = [
        "; ".join(([] if s else [NO_SCORE]) + ([] if pd.notna(a) else [NO_ACCURACY]))
        for s, a in zip(scored, frame["accuracy"], strict=True)
    ]
    for name in ("accuracy", "accuracy_se", "gain"):
        frame[name] = frame[name].astype("Float64")
    frame["n_seeds"] = frame["n_seeds"].astype("Int64")
    frame["last"] = frame["strategy"] == UNTRAINED
    return frame.sort_values(["last", "rank_accuracy", "strategy"], na_position="last").drop(columns="last")


def metrics_table(
    rankings: pd.DataFrame,
    outcomes: pd.DataFrame,
    *,
    scores: pd.DataFrame | None = None,
    metrics: Sequence[RankedMetric] = (),
) -> pd.DataFrame:
    """One row per benchmark, target, setup and metric: how well the metric's order foretold the accuracies.

    `spearman` is positive where the metric predicts well (for a metric without direction it is the correlation of the
    raw value); `picked` is the strategy it ranks first, `regret` the best accuracy minus the picked one. Only
    strategies with both score and accuracy are compared (`n_strategies`); others, and every <NA>, are named in `note`.

    Args:
        rankings: of `rank`.
        outcomes: as `sppl.schemas.TABLES["outcomes"]`.
        scores: gives `spearman_low` and `spearman_high`, 95 % over resampled examples, for metrics scored per example.
        metrics: how those scores are aggregated.

    Raises:
        UserError: accuracies or setups that cannot be used, see `accuracies`.
    """
    extra = varying(outcomes["setup"])
    rows = []
    for ranked, reached in _setups(rankings, outcomes):
        truth = reached[reached["strategy"] != UNTRAINED].set_index("strategy")["accuracy"]
        for name, part in ranked.groupby("metric", sort=False):
            judged = _judged(part, truth)
            resampler = next((metric for metric in metrics if metric.name == name), None)
            if scores is not None and resampler is not None and judged["spearman"] is not pd.NA:
                judged |= spearman_interval(scores, resampler, part, truth)
            one = part.iloc[0]
            here = {column: one[column] for column in [*PAIR, "setup", "metric", "direction"]}
            rows.append(here | {key: settings(one["setup"]).get(key, pd.NA) for key in extra} | judged)
    numbers = ["spearman", "spearman_low", "spearman_high", "picked_accuracy", "regret"]
    columns = [*PAIR, *extra, "metric", "direction", *numbers[:3], "picked", *numbers[3:], "n_strategies", "note"]
    frame = pd.DataFrame(rows, columns=[*dict.fromkeys([*columns, "setup"])])
    return frame[columns].astype(dict.fromkeys(numbers, "Float64") | {"n_strategies": "Int64"})


def _judged(ranked: pd.DataFrame, truth: pd.Series) -> dict[str, object]:
    order = ranked.sort_values(["rank", "strategy"]).set_index("strategy")["rank"]
    both = [strategy for strategy in order.index if strategy in truth.index]
    directed = ranked["direction"].iloc[0] != "none"
    notes = [f"{name} has no accuracy" for name in order.index.difference(both)]
    notes += [f"{name} has no score" for name in truth.index.difference(both)]
    ranks, accuracy = order[both].to_numpy(float), truth[both].to_numpy(float)
    reason = why_undefined(ranks, accuracy)
    rho = pd.NA if reason else spearman(-ranks if directed else ranks, accuracy)
    picked, reached, regret = pd.NA, pd.NA, pd.NA
    if directed:
        picked = str(order.index[0])
        first = [str(name) for name in order.index[order == order.iloc[0]]]
        if len(first) > 1:
            notes.append(f"{' and '.join(first)} share the first place, the pick is the first by name")
        if picked in truth.index:
            reached = float(truth[picked])
            regret = float(np.max(truth.to_numpy(float))) - reached
    else:
        notes.append("no direction: picks nothing")
    return {
        "spearman": rho,
        "spearman_low": pd.NA,
        "spearman_high": pd.NA,
        "picked": picked,
        "picked_accuracy": reached,
        "regret": regret,
        "n_strategies": len(both),
        "note": "; ".join(([reason] if reason else []) + notes),
    }
