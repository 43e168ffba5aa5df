"""Racing: strategies are dropped while they are scored, as soon as they are clearly behind.

The decisions are many: one per batch and rival. The bound on a strategy's distance to the leader holds for all of them
together, so the chance that a race drops its best strategy is at most the stated `error`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

FIRST, THEN, ERROR = 20, 10, 0.05
"""Examples before the first decision, between decisions, and the chance that the best strategy is dropped."""

ROUNDING = 1e-9
"""Nats per token: strategies that differ by no more are equals."""

Limit = Callable[[int], float]
"""Examples scored so far -> standard errors behind the leader that end a strategy's race."""


@dataclass(frozen=True)
class Bound:
    """How far behind a strategy must be, after any number of examples, to be dropped.

    The best strategy is dropped where one of its rivals is ahead of it by more than the bound, so each rival gets
    error / (n_strategies - 1) of the error. Let W be a Brownian motion: the difference to a rival that is as good,
    after n of N examples, is W(n/N) / sqrt(n/N) in standard errors, and from `first` to N examples it exceeds c with a
    probability of at most P(Z > c) + c phi(c) / 2 ln(N / first). That is the approximation for repeated significance
    tests (Siegmund, Sequential Analysis, 1985) with c - 1/c rounded up to c. It holds however the examples come in
    batches. As the standard error is estimated, c becomes the quantile of Student's distribution that is as rare.

    Args:
        n_strategies: at the start of the race.
        n_examples: there are to race over.
        error: the chance that the best strategy is dropped, at most; 0 drops nobody.
        first: examples that must be there before anyone is dropped.
    """

    n_strategies: int
    n_examples: int
    error: float = ERROR
    first: int = FIRST

    def __call__(self, n: int) -> float:
        """Standard errors behind the leader that end a strategy's race after n examples; infinite: none do."""
        if n < max(self.first, 2):
            return np.inf
        return _limit(n, self.error / max(1, self.n_strategies - 1), max(1.0, self.n_examples / self.first))


@lru_cache(maxsize=4096)
def _limit(n: int, error: float, growth: float) -> float:
    from scipy.stats import norm, t

    return float(t.isf(norm.sf(_threshold(error, growth)), n - 1)) if error else np.inf


@lru_cache(maxsize=64)
def _threshold(error: float, growth: float) -> float:
    """The c that a difference of equals exceeds, at any time while examples grow by this factor, with this chance."""
    from scipy.optimize import brentq
    from scipy.stats import norm

    def excess(c: float) -> float:
        return float(norm.sf(c) + c * norm.pdf(c) / 2 * np.log(growth)) - error

    return float(brentq(excess, 1.0, 37.0)) if excess(1.0) > 0 else 1.0  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True)
class Standing:
    """The standing of one strategy after the examples scored so far.

    Args:
        strategy: whose.
        survives: whether it is worth scoring further; the leader always is.
        mean: log-perplexity (nats per token), mean over the examples.
        behind: mean minus the leader's, nats per token; 0 for the leader.
        z: `behind` in standard errors of the paired difference; infinite where every example shows the same gap.
        limit: the z above which a strategy is dropped.
        n_examples: scored so far.
    """

    strategy: str
    survives: bool
    mean: float
    behind: float
    z: float
    limit: float
    n_examples: int


def survivors(log_perplexities: Mapping[str, ArrayLike], limit: Limit) -> list[Standing]:
    """Returns one standing per strategy, in the mapping's order.

    The leader has the lowest mean log-perplexity (of equals the first by name). Another strategy is dropped when its
    paired differences to the leader average more standard errors than the limit; equals of the leader never are.
    Nothing is remembered between calls: call again with everything scored so far of those still racing.

    Args:
        log_perplexities: per strategy one value per example (nats per token), the same examples in the same order.
        limit: what ends a strategy's race; a `Bound`.

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
    most, decisions = limit(n), []
    for name, values in columns.items():
        behind, distance = _behind(values - columns[leader])
        decisions.append(Standing(name, distance <= most, float(values.mean()), behind, distance, most, n))
    return decisions


def _behind(difference: NDArray) -> tuple[float, float]:
    """Mean of the paired differences, and the same in standard errors."""
    mean, n = float(difference.mean()), len(difference)
    error = float(difference.std(ddof=1)) / np.sqrt(n) if n > 1 else np.inf
    if mean <= ROUNDING:
        return max(mean, 0.0), 0.0
    return mean, mean / error if error > 0 else np.inf


@dataclass(frozen=True)
class RaceResult:
    """How a race ended: the winner, who else was never dropped, and the examples scored of each strategy."""

    winner: str
    left: tuple[str, ...]
    scored: Mapping[str, int]


def replay_race(
    log_perplexities: Mapping[str, NDArray],
    order: Sequence[int] | NDArray,
    limit: Limit,
    *,
    first: int = FIRST,
    then: int = THEN,
) -> RaceResult:
    """Replays a race on recorded values, as if the examples had been scored in this order.

    The batches are `first` examples, then `then` at a time; the race ends when one strategy is left or the examples
    are used up.
    """
    racing, scored = list(log_perplexities), dict.fromkeys(log_perplexities, 0)
    leader, n = racing[0], 0
    while n < len(order) and len(racing) > 1:
        n = min(len(order), n + (then if n else first))
        seen = np.asarray(order)[:n]
        decisions = survivors({name: log_perplexities[name][seen] for name in racing}, limit)
        scored |= dict.fromkeys(racing, n)
        racing = [decision.strategy for decision in decisions if decision.survives]
        leader = min(decisions, key=lambda decision: (decision.mean, decision.strategy)).strategy
    return RaceResult(leader, tuple(racing), scored)
