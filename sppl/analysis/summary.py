"""Puts rankings beside outcomes: the table of strategies, and the table that judges the metrics."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.conventions import SOUND, Conventions, counted_strategies
from sppl.analysis.correlation import average_ranks, spearman, spearman_no_ties, too_few, why_undefined
from sppl.analysis.outcomes import UNTRAINED, accuracies, parse_setup, varying_settings
from sppl.analysis.resampling import RankedMetric
from sppl.analysis.spread import spearman_interval

NO_SCORE = "no score: not ranked"
NO_ACCURACY = "no accuracy: not trained or not benchmarked"


def strategies_table(rankings: pd.DataFrame, outcomes: pd.DataFrame, also: pd.DataFrame | None = None) -> pd.DataFrame:
    """Returns one row per benchmark, target, setup and strategy, best first; rows with missing values are kept.

    The best is that by accuracy; where nothing is trained, by the first metric that has a direction.

    Columns: keys; the settings that vary between setups; one column per metric with its value; `accuracy` (mean over
    seeds), its standard error `accuracy_se`, Wilson's interval `accuracy_low` and `accuracy_high`, `n_seeds`, `gain`
    over the untrained target; `also_<task>` per further task (mean over seeds of its main metric); `rank_accuracy` and
    `rank_<metric>` (1 = best, ties share their mean rank); `note`. A cell without a value is <NA>, and `note` says why.

    Args:
        rankings: of `rank`.
        outcomes: as `sppl.schemas.TABLES["outcomes"]`.
        also: figures of further tasks: `benchmark, target_model, strategy, setup, seed, task, metric, value`, the main
            metric of a task first.

    Raises:
        UserError: accuracies or setups that cannot be used, see `accuracies`.
    """
    metrics, extra = list(dict.fromkeys(rankings["metric"])), varying_settings(outcomes["setup"])
    rows = [_of_setup(ranked, reached) for ranked, reached in _setups(rankings, outcomes)]
    frame = pd.concat(rows, ignore_index=True)
    for name in extra:
        frame[name] = [parse_setup(setup).get(name, pd.NA) for setup in frame["setup"]]
    for name in [*metrics, *(f"rank_{metric}" for metric in metrics)]:
        frame[name] = frame[name].astype("Float64") if name in frame else pd.array([pd.NA] * len(frame), "Float64")
    further = [] if also is None else _also(frame, also)
    ranks = ["rank_accuracy", *(f"rank_{metric}" for metric in metrics)]
    outcome = ["accuracy", "accuracy_se", "accuracy_low", "accuracy_high", "n_seeds", "gain"]
    return frame[[*PAIR, *extra, "strategy", *metrics, *outcome, *further, *ranks, "note"]]


def _also(frame: pd.DataFrame, also: pd.DataFrame) -> list[str]:
    """Adds a column per extra task and returns their names; the untrained target has no setup."""
    main = also.drop_duplicates([*PAIR, "strategy", "setup", "seed", "task"])
    means = main.groupby([*PAIR, "strategy", "setup", "task"])["value"].mean().to_dict()
    columns = [f"also_{task}" for task in dict.fromkeys(also["task"])]
    keys = frame[[*PAIR, "strategy", "setup"]].itertuples(index=False, name=None)
    rows = [(*key[:3], "" if key[2] == UNTRAINED else key[3]) for key in keys]
    for column in columns:
        values = [means.get((*row, column.removeprefix("also_")), pd.NA) for row in rows]
        frame[column] = pd.array(values, "Float64")
    return columns


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
    led = ranked[ranked["first_value"].notna()] if "first_value" in ranked else ranked[:0]
    raced = {row.strategy: [f"{row.metric}: {row.race}"] for row in led.itertuples()}
    frame["note"] = [
        "; ".join(([] if s else [NO_SCORE]) + ([] if pd.notna(a) else [NO_ACCURACY]) + raced.get(name, []))
        for s, a, name in zip(scored, frame["accuracy"], frame["strategy"], strict=True)
    ]
    for name in ("accuracy", "accuracy_se", "accuracy_low", "accuracy_high", "gain"):
        frame[name] = frame[name].astype("Float64")
    frame["n_seeds"] = frame["n_seeds"].astype("Int64")
    frame["last"] = frame["strategy"] == UNTRAINED
    directed = ranked.loc[ranked["direction"] != "none", "metric"]
    by = ["last", "rank_accuracy", *(f"rank_{metric}" for metric in directed[:1]), "strategy"]
    return frame.sort_values(by, na_position="last").drop(columns="last")


def metrics_table(
    rankings: pd.DataFrame,
    outcomes: pd.DataFrame,
    *,
    scores: pd.DataFrame | None = None,
    metrics: Sequence[RankedMetric] = (),
    answers: pd.DataFrame | None = None,
    conventions: Conventions = SOUND,
    least: int = 2,
    references: Collection[str] | None = None,
) -> pd.DataFrame:
    """Returns one row per benchmark, target, setup and metric: how well its order predicted the accuracies.

    `spearman` is positive where the metric predicts well (for a metric without direction it is the correlation of the
    raw value); `picked` is the strategy it ranks first, `regret` is `best_accuracy` minus the picked one, <NA> where a
    trained strategy has no score, as the metric might have picked it. Only those with both score and accuracy are
    compared (`n_strategies`); others, and every <NA>, are named in `note`.
    `spread` is the standard deviation of the strategies' accuracies: how much there is to choose. `cost`, where the
    rankings have it, is what the metric takes per response, in forward passes over question and response; `flag`, where
    they have it, how the scores are not what was asked for (also in `note`).

    Args:
        rankings: of `rank`.
        outcomes: as `sppl.schemas.TABLES["outcomes"]`.
        scores: gives `spearman_low`, `spearman_high` and, in words, what they cover (`spearman_interval`), for metrics
            scored per example.
        metrics: how those scores are aggregated.
        answers: of trained models to single test questions, as `sppl.analysis.paired` wants them; without them the
            interval holds the accuracies fixed, and says so.
        conventions: how accuracies are averaged and ties are treated.
        least: strategies that a correlation is computed of; what is averaged over many cases may be of fewer than
            what is shown by itself (`sppl.analysis.correlation.LEAST`).
        references: strategies that are trained and shown, never ranked; None: of published tables, whose regret is over
            those that were ranked.

    Raises:
        UserError: accuracies or setups that cannot be used, see `accuracies`.
    """
    extra = varying_settings(outcomes["setup"])
    trained = accuracies(outcomes, conventions)
    trained = trained[trained["strategy"] != UNTRAINED]
    setups: dict[tuple[str, str], list[tuple[str, pd.DataFrame]]] = {}
    for (benchmark, target, setup), part in trained.groupby([*PAIR, "setup"]):
        setups.setdefault((str(benchmark), str(target)), []).append((str(setup), part.set_index("strategy")))
    nothing = [("", trained[:0].set_index("strategy"))]
    rows = []
    for key, part in rankings.groupby([*PAIR, "metric"], sort=False):
        benchmark, target, name = map(str, key)
        resampler = next((metric for metric in metrics if metric.name == name), None)
        for setup, reached in setups.get((benchmark, target), nothing):
            judged = _judged(part, reached, conventions, least, references)
            if scores is not None and resampler is not None and judged["spearman"] is not pd.NA:
                own = _of_setup_answers(answers, benchmark, target, setup)
                judged |= spearman_interval(scores, resampler, part, reached["accuracy"], own)
            here = {"benchmark": benchmark, "target_model": target, "metric": name}
            if "cost" in part:
                here["cost"] = part["cost"].iloc[0]
            if "flag" in part:
                here["flag"] = str(part["flag"].iloc[0])
                judged["note"] = "; ".join(filter(None, [judged["note"], here["flag"]]))
            rows.append(here | {key: parse_setup(setup).get(key, pd.NA) for key in extra} | judged)
    numbers = ["spearman", "spearman_low", "spearman_high", "picked_accuracy", "best_accuracy", "regret", "spread"]
    cost, flag = (["cost"] if "cost" in rankings else []), (["flag"] if "flag" in rankings else [])
    columns = [
        *PAIR,
        *extra,
        "metric",
        "direction",
        *numbers[:3],
        "spearman_interval",
        "picked",
        *numbers[3:],
        *cost,
        "n_strategies",
        *flag,
        "note",
    ]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype(dict.fromkeys([*numbers, *cost], "Float64") | {"n_strategies": "Int64"})


def _of_setup_answers(answers: pd.DataFrame | None, benchmark: str, target: str, setup: str) -> pd.DataFrame | None:
    if answers is None or answers.empty:
        return None
    key = {"benchmark": benchmark, "target_model": target, "setup": setup}
    return answers[(answers[list(key)] == pd.Series(key)).all(axis=1)]


def _judged(
    ranked: pd.DataFrame,
    reached: pd.DataFrame,
    conventions: Conventions,
    least: int,
    references: Collection[str] | None,
) -> dict[str, Any]:
    """Judges one metric's order by the accuracies of one setup, whose index is the strategies."""
    rank = dict(sorted(zip(ranked["strategy"], ranked["rank"], strict=True), key=lambda pair: (pair[1], pair[0])))
    truth = dict(zip(reached.index, reached["accuracy"].to_numpy(float), strict=True))
    direction, benchmark = ranked["direction"].iloc[0], ranked["benchmark"].iloc[0]
    both = [strategy for strategy in rank if strategy in truth]
    notes = [f"{name} has no accuracy" for name in sorted(set(rank) - set(both))]
    notes += [f"{name} has no score" for name in sorted(set(truth) - set(both))]
    ranks, accuracy = np.array([rank[name] for name in both]), np.array([truth[name] for name in both])
    by_name = conventions.ties == "by_name"
    reason = "" if by_name and len(both) > 1 else why_undefined(ranks, accuracy)
    reason = reason or too_few(len(both), least)
    correlation = spearman_no_ties if by_name else spearman
    first = [name for name in rank if rank[name] == min(rank.values())]
    if "race" in ranked and ranked["race"].any():
        notes.append("decided by a race" if ranked["first_value"].notna().any() else ranked["race"].iloc[0])
    if direction == "none":
        notes.append("no direction: picks nothing")
    elif len(first) > 1:
        notes.append(f"{' and '.join(first)} share the first place, the pick is the first by name")
    picked = first[0] if direction != "none" else pd.NA
    got, best = truth.get(picked, pd.NA), max(accuracy, default=pd.NA)
    known = references is None or not set(truth) - set(both) - set(references)
    return {
        "direction": direction,
        "spearman": pd.NA if reason else correlation(ranks, accuracy if direction == "none" else -accuracy),
        "spearman_interval": "",
        "picked": picked,
        "picked_accuracy": got,
        "best_accuracy": best,
        "regret": best - got if known else pd.NA,
        "spread": _spread(both, reached, counted_strategies(conventions.spread_over, benchmark), conventions),
        "n_strategies": len(both),
        "note": "; ".join([reason] * bool(reason) + notes),
    }


def _spread(both: list[str], reached: pd.DataFrame, over: tuple[str, ...] | None, conventions: Conventions) -> object:
    column = reached["accuracy" if conventions.spread == "seed_means" else "first_seed"]
    values = column[[name in (both if over is None else over) for name in column.index]].to_numpy(float)
    return float(np.std(values, ddof=1)) if len(values) > 1 else pd.NA
