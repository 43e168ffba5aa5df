"""What racing would have saved, and cost, on recorded scores."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sppl.analysis.checks import PAIR
from sppl.analysis.racing import FIRST, THEN, Bound, Limit, replay_race


def two_standard_errors(*_: int) -> Limit:
    """The rule of before, whatever the numbers of strategies and examples: it makes no allowance for many decisions."""
    return lambda _: 2.0


def racing_study(
    scores: pd.DataFrame,
    accuracies: pd.DataFrame,
    *,
    rule: Callable[[int, int], Limit] = Bound,
    questions: int | None = None,
    orders: int = 20,
    first: int = FIRST,
    then: int = THEN,
    seed: int = 0,
) -> pd.DataFrame:
    """One row per benchmark, target and random order: racing beside a uniform sample that costs as much.

    Columns: `share` (scorings done, of all), `dropped` (the winner of all examples by mean log-perplexity was dropped),
    `agrees` (it won the race), `agrees_with_mean` (by the mean of perplexities, SPPL's own aggregate), `regret` (best
    accuracy minus the winner's), the same for the `uniform_` sample of equal size, and `full_regret` of all examples.

    Args:
        scores: perplexities per example of one metric; candidates only.
        accuracies: of `sppl.analysis.outcomes.accuracies`, one setup.
        rule: of the numbers of strategies and of examples, what ends a strategy's race.
        questions: how many examples of each order there are to race over; None: all.
        orders: random orders of the examples per pair.
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
        n = len(wide) if questions is None else min(questions, len(wide))
        rng, limit = np.random.default_rng(seed), rule(len(values), n)
        for order in range(orders):
            shuffled = rng.permutation(len(wide))[:n]
            row = _one(values, truth, shuffled, limit, first=first, then=then)
            rows.append({"benchmark": benchmark, "target_model": target, "order": order} | row)
    return pd.DataFrame(rows)


def _one(
    values: Mapping[str, NDArray], truth: Mapping[str, float], order: NDArray, limit: Limit, *, first: int, then: int
) -> dict[str, float | bool]:
    best = max(truth[name] for name in values)
    full, by_mean = _lowest(values, order), _lowest({name: np.exp(v) for name, v in values.items()}, order)
    run = replay_race(values, order, limit, first=first, then=then)
    spent = sum(run.scored.values())
    uniform = _lowest(values, order[: max(1, round(spent / len(values)))])
    return {
        "share": spent / (len(values) * len(order)),
        "dropped": full not in run.left,
        "agrees": run.winner == full,
        "agrees_with_mean": run.winner == by_mean,
        "regret": best - truth[run.winner],
        "uniform_agrees": uniform == full,
        "uniform_regret": best - truth[uniform],
        "full_regret": best - truth[full],
    }


def _lowest(values: Mapping[str, NDArray], rows: NDArray) -> str:
    return min(values, key=lambda name: (values[name][rows].mean(), name))
