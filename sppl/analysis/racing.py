"""An adaptive stop: strategies are dropped while they are scored, as soon as one of them is clearly behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FIRST, THEN, Z = 20, 10, 2.0
"""Examples before the first decision, between decisions, and standard errors that end a strategy's race."""


@dataclass(frozen=True)
class Decision:
    """Where one strategy stands after the examples scored so far.

    Args:
        strategy: whose.
        survives: whether it is worth scoring further; the leader always is.
        mean: log-perplexity (nats per token), mean over the examples.
        behind: mean minus the leader's, nats per token; 0 for the leader.
        z: `behind` in standard errors of the paired difference; infinite where every example shows the same gap.
        n_examples: scored so far.
    """

    strategy: str
    survives: bool
    mean: float
    behind: float
    z: float
    n_examples: int


def survivors(log_perplexities: Mapping[str, ArrayLike], z: float = Z, *, first: int = FIRST) -> list[Decision]:
    """One decision per strategy, in the mapping's order; nobody is dropped before `first` examples.

    The leader has the lowest mean log-perplexity (of equals the first by name). Another strategy is dropped when its
    paired differences to the leader average more than `z` standard errors. Nothing is remembered between calls: call
    again with everything scored so far of those still racing.

    Args:
        log_perplexities: per strategy one value per example (nats per token), the same examples in the same order.
        z: standard errors; 0 keeps the leader and its equals only.
        first: examples that must be there before anyone is dropped.

    Raises:
        ValueError: no strategies, no examples, unequal numbers of examples, or values that are not finite.
    """
    columns = {name: np.asarray(values, dtype=float) for name, values in log_perplexities.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) != 1 or not all(lengths.values()):
        raise ValueError(f"a race needs the same examples of every strategy, at least one, got {lengths}")
    bad = [name for name, values in columns.items() if not np.isfinite(values).all()]
    if bad:
        raise ValueError(f"log-perplexities must be finite, those of {', '.join(bad)} are not")
    leader = min(columns, key=lambda name: (columns[name].mean(), name))
    n = lengths[leader]
    decisions = []
    for name, values in columns.items():
        behind, distance = _behind(values - columns[leader])
        out = n >= first and distance > z
        decisions.append(Decision(name, not out, float(values.mean()), behind, distance, n))
    return decisions


def _behind(difference: NDArray) -> tuple[float, float]:
    """Mean of the paired differences, and the same in standard errors."""
    mean, n = float(difference.mean()), len(difference)
    error = float(difference.std(ddof=1)) / np.sqrt(n) if n > 1 else np.inf
    if mean <= 0:
        return max(mean, 0.0), 0.0
    return mean, mean / error if error > 0 else np.inf


@dataclass(frozen=True)
class Race:
    """How a race ended: the winner, and the examples scored of each strategy."""

    winner: str
    scored: Mapping[str, int]


def race(
    log_perplexities: Mapping[str, NDArray],
    order: Sequence[int] | NDArray,
    *,
    z: float = Z,
    first: int = FIRST,
    then: int = THEN,
) -> Race:
    """The race as it would have run if the recorded examples had been scored in this order.

    The batches are `first` examples, then `then` at a time; the race ends when one strategy is left or the examples
    are used up.
    """
    racing, scored = list(log_perplexities), dict.fromkeys(log_perplexities, 0)
    leader, n = racing[0], 0
    while n < len(order) and len(racing) > 1:
        n = min(len(order), n + (then if n else first))
        seen = np.asarray(order)[:n]
        decisions = survivors({name: log_perplexities[name][seen] for name in racing}, z, first=first)
        scored |= dict.fromkeys(racing, n)
        racing = [decision.strategy for decision in decisions if decision.survives]
        leader = min(decisions, key=lambda decision: (decision.mean, decision.strategy)).strategy
    return Race(leader, scored)
