"""The settings of a shortlist and its pilots."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sppl.bounds import Count, Natural, fits, misfits
from sppl.schemas import UserError


@dataclass(frozen=True)
class Policy:
    """How many strategies a metric shortlists, and the short trainings (pilots) that settle which one it is.

    Args:
        k: strategies that are shortlisted.
        n_pilot: responses that a pilot is trained on.
        epochs: of a pilot.
        seeds: of the pilots; a strategy counts with the mean over them.

    Raises:
        UserError: a value is out of its range.
    """

    k: Count = 2
    n_pilot: Count = 100
    epochs: Count = 3
    seeds: Sequence[int] = (0,)

    def __post_init__(self) -> None:
        wrong = [f"policy.{said}" for said in misfits(self)]
        if self.k == 1:
            wrong.append(f"policy.k={self.k} (2 strategies or more: a single one needs no settling)")
        seeds = list(self.seeds) if isinstance(self.seeds, Sequence) and not isinstance(self.seeds, str) else []
        if not seeds or not all(fits(seed, Natural) for seed in seeds) or len(set(seeds)) < len(seeds):
            wrong.append(f"policy.seeds={self.seeds} (different whole numbers, e.g. [0,1])")
        if wrong:
            raise UserError(f"this policy cannot be used: {'; '.join(wrong)}")

    @property
    def trainings(self) -> int:
        """How many pilots there are."""
        return self.k * len(self.seeds)

    def check(self, names: Collection[str]) -> None:
        """Refuses to shortlist more strategies than there are.

        Raises:
            UserError: there are fewer than `k`.
        """
        if self.k > len(names):
            more = "give more strategies as a list, e.g. 'strategy=[gpt4,claude,rewrite]'"
            fewer = f"policy.k={len(names)}, or " if len(names) > 1 else ""
            raise UserError(
                f"policy.k={self.k} strategies cannot be shortlisted of {len(names)} that compete in this job "
                f"({', '.join(names) or 'none'}): {fewer}{more}"
            )
