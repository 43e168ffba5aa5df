"""Settles shortlists: a cheap metric names the few best, and a training of those picks one of them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.correlation import spearman

TOLERANCE = 1e-9
"""Accuracies nearer to each other than this are the same."""
FIGURES = ["spearman", "regret", "top1", "random"]


def settle(order: Sequence[str], reached: Mapping[str, float], k: int) -> str:
    """Returns the strategy of the first `k` with the best accuracy; a tie goes to the earlier one.

    Args:
        order: strategies, best score first.
        reached: accuracy of each that was tried.
        k: how many are tried; more than there are means all.
    """
    return max(order[:k], key=lambda name: (round(reached[name], 9), -order.index(name)))


def settle_by_pilots(rankings: pd.DataFrame, pilots: pd.DataFrame, truth: pd.DataFrame, k: int) -> pd.DataFrame:
    """Returns what is lost by settling a metric's `k` best by pilots, per case where every strategy has one.

    Args:
        rankings: of the metric that makes the shortlist.
        pilots: `benchmark, target_model, strategy, value`: what each pilot reached.
        truth: `benchmark, target_model, strategy, accuracy` after the full training.
        k: how many are tried.
    """
    rows = []
    reached = {key: part.set_index("strategy")["accuracy"] for key, part in truth.groupby(PAIR)}
    tried = {key: dict(zip(part["strategy"], part["value"], strict=True)) for key, part in pilots.groupby(PAIR)}
    for key, order in _orders(rankings).items():
        if key in reached and set(order) <= tried.get(key, {}).keys():
            rows.append(dict(zip(PAIR, key, strict=True)) | loss_of_pick(reached[key], settle(order, tried[key], k)))
    return pd.DataFrame(rows, columns=[*PAIR, *FIGURES])


def settle_by_one_seed(
    outcomes: pd.DataFrame, rankings: pd.DataFrame | None = None, k: int | None = None
) -> pd.DataFrame:
    """Returns what is lost by training with one seed and taking the best, judged by the other seeds.

    One row per case, averaged over the seeds that may decide: those that every strategy has, and besides which every
    strategy has another. The yardstick lacks the deciding seed, so `random` (the regret of a random pick) is by the
    same yardstick.

    Args:
        outcomes: of one setup per benchmark and target.
        rankings: of a metric: only its `k` best are trained, and a tie goes to the earlier. None trains every strategy,
            and ties are shared.
        k: how many.
    """
    rows, orders = [], {} if rankings is None else _orders(rankings)
    for (benchmark, target), case in outcomes.groupby(PAIR):
        key = (str(benchmark), str(target))
        order = orders.get(key)
        if rankings is not None and order is None:
            continue
        wide = case.pivot(index="strategy", columns="seed", values="accuracy")
        found = [one for one in (_decided(wide, seed, order, k) for seed in wide) if one]
        if found and len(wide) > 1:
            known = {name: [one[name] for one in found if not np.isnan(one[name])] for name in FIGURES}
            means = {name: float(np.mean(values)) if values else np.nan for name, values in known.items()}
            rows.append(dict(zip(PAIR, key, strict=True)) | means)
    return pd.DataFrame(rows, columns=[*PAIR, *FIGURES])


def _orders(rankings: pd.DataFrame) -> dict[tuple[str, str], list[str]]:
    ordered = rankings.sort_values(["rank", "strategy"])
    return {(str(b), str(t)): part["strategy"].tolist() for (b, t), part in ordered.groupby(PAIR)}


def _decided(wide: pd.DataFrame, seed: object, order: list[str] | None, k: int | None) -> dict[str, float]:
    first, rest = wide[seed], wide.drop(columns=seed).mean(axis=1)
    if first.isna().any() or rest.isna().any():
        return {}
    if order is not None:
        return loss_of_pick(rest, settle(order, {str(name): value for name, value in first.items()}, k or len(order)))
    tied = [loss_of_pick(rest, str(name)) for name in first.index[first > first.max() - TOLERANCE]]
    means = {name: float(np.mean([one[name] for one in tied])) for name in FIGURES}
    rho = spearman(first.to_numpy(float), rest.to_numpy(float))
    return means | {"spearman": np.nan if rho is None else rho}


def loss_of_pick(truth: pd.Series, pick: str) -> dict[str, float]:
    """Returns what a pick loses against the best of `truth` (accuracies by strategy), and what a random one would."""
    best = truth.max()
    return {
        "spearman": np.nan,
        "regret": float(best - truth[pick]),
        "top1": float(best - truth[pick] < TOLERANCE),
        "random": float(best - truth.mean()),
    }
