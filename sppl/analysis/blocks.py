"""Judges metrics over many pairs of benchmark and target, in blocks of pairs whose strategies differ enough."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.combining import Combination
from sppl.analysis.conventions import SOUND, Conventions, take_comparable, take_slice
from sppl.analysis.outcomes import UNTRAINED, accuracies
from sppl.analysis.ranking import rank
from sppl.analysis.resampling import RankedMetric
from sppl.analysis.summary import metrics_table

BLOCKS: Mapping[str, float] = {"all": -1.0, "std>0.02": 0.02, "std>0.04": 0.04}
"""Name of a block -> the spread of accuracies that its pairs exceed."""
BEST = "best"
"""The method that always picks the strategy that trained best."""


def judge_slices(
    scores: pd.DataFrame,
    outcomes: pd.DataFrame,
    metrics: Sequence[RankedMetric],
    conventions: Conventions = SOUND,
    *,
    also: Sequence[Combination] = (),
) -> pd.DataFrame:
    """Returns the `metrics_table` of every slice of the conventions (column `slice`, `all` where there are none).

    Args:
        scores: as `sppl.schemas.TABLES["scores"]`; strategies that were not trained are left out.
        outcomes: of one setup per benchmark.
        metrics: those to judge.
        conventions: which strategies are ranked, by which questions, and how they are judged.
        also: combinations of the metrics, judged like one.
    """
    named = scores[scores["metric"].isin([metric.name for metric in metrics])]
    candidates = take_comparable(named, outcomes, conventions)
    parts = []
    for piece in conventions.slices or [None]:
        here = candidates if piece is None else take_slice(candidates, *piece)
        rankings = rank(here, metrics, resamples=0)
        rankings = pd.concat([rankings, *(one.rankings(rankings) for one in also)], ignore_index=True)
        table = metrics_table(rankings, outcomes, conventions=conventions)
        parts.append(table.assign(slice="all" if piece is None else f"{piece[0]}-{piece[1]}"))
    return pd.concat(parts, ignore_index=True)


def average_blocks(table: pd.DataFrame, blocks: Mapping[str, float] = BLOCKS) -> pd.DataFrame:
    """Returns one row per block and metric, averaged over pairs, then over slices; the first row is `best`.

    Columns: `block`, `method`, `n_pairs`, the mean accuracy of the picks per target (a column each) and over all pairs
    (`accuracy`), `weighted_spearman` (weight: the pair's spread), `spearman` (unweighted). Fractions. Correlations that
    are undefined are left out and counted in `n_undefined`.

    Args:
        table: of `judge_slices`.
        blocks: name -> spread above which a pair belongs to it.
    """
    rows = []
    for name, above in blocks.items():
        inside = table[(table["spread"] > above).fillna(False).astype(bool)]
        if inside.empty:
            continue
        first = inside[inside["metric"] == inside["metric"].iloc[0]]
        rows.append({"block": name, "method": BEST} | _accuracy(first, "best_accuracy"))
        for metric, part in inside.groupby("metric", sort=False):
            found = {"block": name, "method": metric} | _accuracy(part, "picked_accuracy")
            rows.append(found | _correlation(part))
    return pd.DataFrame(rows)


def average_strategies(
    table: pd.DataFrame,
    outcomes: pd.DataFrame,
    strategies: Sequence[str],
    conventions: Conventions = SOUND,
    blocks: Mapping[str, float] = BLOCKS,
) -> pd.DataFrame:
    """Returns one row per block and strategy: the accuracy of always using it, averaged as in `average_blocks`.

    Pairs without it are left out of its mean, so `n_pairs` may differ between rows.
    """
    reached = accuracies(outcomes, conventions)
    reached = reached[reached["strategy"].isin(list(strategies)) & (reached["strategy"] != UNTRAINED)]
    rows = []
    for name, above in blocks.items():
        pairs = table.loc[(table["spread"] > above).fillna(False).astype(bool), PAIR].drop_duplicates()
        inside = pairs.merge(reached, on=PAIR).assign(slice="all")
        for strategy in strategies:
            part = inside[inside["strategy"] == strategy]
            if len(part):
                rows.append({"block": name, "method": strategy} | _accuracy(part, "accuracy"))
    return pd.DataFrame(rows)


def _accuracy(part: pd.DataFrame, column: str) -> dict[str, Any]:
    """Means over pairs, then over slices, in the order of the rows: exact halves round as in a plain sum."""
    slices = [one for _, one in part.groupby("slice")]
    found: dict[str, Any] = {"n_pairs": len(part[PAIR].drop_duplicates())}
    for target in sorted(part["target_model"].unique()):
        found[str(target)] = _mean([_mean(one.loc[one["target_model"] == target, column]) for one in slices])
    return found | {"accuracy": _mean([_mean(one[column]) for one in slices])}


def _mean(values: Iterable[float]) -> float:
    kept = [float(value) for value in values]
    return sum(kept) / len(kept)


def _correlation(part: pd.DataFrame) -> dict[str, float]:
    known = part[part["spearman"].notna()]
    weighted, plain = [], []
    for _, one in known.groupby("slice"):
        rho, weight = one["spearman"].to_numpy(float), one["spread"].to_numpy(float)
        weighted.append((rho * weight).sum() / weight.sum())
        plain.append(rho.mean())
    found = {"weighted_spearman": np.mean(weighted), "spearman": np.mean(plain)} if weighted else {}
    return {key: float(value) for key, value in found.items()} | {"n_undefined": len(part) - len(known)}
