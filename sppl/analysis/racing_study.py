"""What racing would have saved, and cost, on recorded scores."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sppl.analysis.checks import PAIR
from sppl.analysis.racing import FIRST, THEN, Z, race


def racing_study(
    scores: pd.DataFrame,
    accuracies: pd.DataFrame,
    *,
    orders: int = 20,
    z: float = Z,
    first: int = FIRST,
    then: int = THEN,
    seed: int = 0,
) -> pd.DataFrame:
    """One row per benchmark, target and random order: racing beside a uniform sample that costs as much.

    Columns: `share` (scorings done, of all), `agrees` (its winner is the one of all examples by mean log-perplexity),
    `agrees_with_mean` (by the mean of perplexities, SPPL's own aggregate), `regret` (best accuracy minus the
    winner's), the same for the `uniform_` sample of equal size, and `full_regret` of all examples.

    Args:
        scores: perplexities per example of one metric; candidates only.
        accuracies: of `sppl.analysis.outcomes.accuracies`, one setup.
        orders: random orders of the examples per pair.
        z: as in `survivors`.
        first: examples before the first decision.
        then: examples per later batch.
        seed: of the orders.
    """
    rows = []
    for (benchmark, target), part in scores.groupby(PAIR):
        here = (accuracies["benchmark"] == benchmark) & (accuracies["target_model"] == target)
        truth = dict(zip(accuracies.loc[here, "strategy"], accuracies.loc[here, "accuracy"].astype(float), strict=True))
        wide = part.pivot(index="example_id", columns="strategy", values="value").sort_index()
        values = {str(name): np.log(wide[name].to_numpy(float)) for name in wide if name in truth}
        rng = np.random.default_rng(seed)
        for order in range(orders):
            shuffled = rng.permutation(len(wide))
            row = _one(values, truth, shuffled, z=z, first=first, then=then)
            rows.append({"benchmark": benchmark, "target_model": target, "order": order} | row)
    return pd.DataFrame(rows)


def _one(
    values: Mapping[str, NDArray], truth: Mapping[str, float], order: NDArray, *, z: float, first: int, then: int
) -> dict[str, float | bool]:
    best, everything = max(truth[name] for name in values), range(len(order))
    full, by_mean = _lowest(values, everything), _lowest({name: np.exp(v) for name, v in values.items()}, everything)
    run = race(values, order, z=z, first=first, then=then)
    spent = sum(run.scored.values())
    uniform = _lowest(values, order[: max(1, round(spent / len(values)))])
    return {
        "share": spent / (len(values) * len(order)),
        "agrees": run.winner == full,
        "agrees_with_mean": run.winner == by_mean,
        "regret": best - truth[run.winner],
        "uniform_agrees": uniform == full,
        "uniform_regret": best - truth[uniform],
        "full_regret": best - truth[full],
    }


def _lowest(values: Mapping[str, NDArray], rows: Sequence[int] | NDArray) -> str:
    return min(values, key=lambda name: (values[name][list(rows)].mean(), name))
