"""Hydra looks for sweepers in packages of this name; what ours does is in `sppl.cli.sweeps`."""

from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class ResumingSweeper(Sweeper):
    """Expands what was typed like Hydra's own sweeper, but starts only what is not done, and reuses no job's folder.

    Args:
        max_batch_size: the largest batch of jobs a launcher gets.
        params: overrides of every sweep, beside what is typed.
    """

    def __init__(self, max_batch_size: int | None = None, params: dict[str, Any] | None = None) -> None:
        self.max_batch_size, self.params = max_batch_size, params or {}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Takes what Hydra composed."""
        self.given = (hydra_context, task_function, config)

    def sweep(self, arguments: list[str]) -> None:
        """Plans all jobs, starts those that are missing, and waits for them."""
        from sppl.cli.sweeps import sweep

        sweep([*(f"{key}={value}" for key, value in self.params.items()), *arguments], self.max_batch_size, *self.given)
