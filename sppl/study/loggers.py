"""Who is told what stages measure: a run of its own per strategy, so that its metrics have the same names in all."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger


class Loggers(Protocol):
    """Lightning's loggers of a strategy's run, opened when they are asked for."""

    def __call__(self, strategy: str = "", *more: str) -> Sequence["Logger"]:
        """The loggers.

        Args:
            strategy: whose run; empty: what compares several.
            more: what tells this run from others of the strategy in the same job.
        """
        ...


def no_loggers(strategy: str = "", *more: str) -> Sequence["Logger"]:  # noqa: ARG001 - the interface
    """No loggers."""
    return ()
