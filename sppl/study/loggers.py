"""The loggers that stages write to: one run per strategy, so that metrics have the same names in all runs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger


class Loggers(Protocol):
    """Gives Lightning's loggers of a strategy's run, which are opened at first use."""

    def __call__(self, strategy: str = "", *more: str) -> Sequence["Logger"]:
        """Returns the loggers of one run.

        Args:
            strategy: whose run it is; empty for what compares several strategies.
            more: words that tell this run from others of the strategy in the same job.
        """
        ...


def no_loggers(strategy: str = "", *more: str) -> Sequence["Logger"]:  # noqa: ARG001 - the interface
    """Returns no loggers: nothing is logged."""
    return ()
