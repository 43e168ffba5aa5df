"""Fully sharded training (FSDP2): every device holds a share of the weights, gradients and optimiser states."""

from typing import Any

from pytorch_lightning.strategies import ModelParallelStrategy
from pytorch_lightning.strategies.launchers import _MultiProcessingLauncher


class Sharded(ModelParallelStrategy):
    """Shards over all devices, in processes that are spawned for one fit as those of `ddp_spawn` are.

    Lightning's own would start the whole command again on every device, all its stages included.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(tensor_parallel_size=1, save_distributed_checkpoint=False, **settings)

    def _configure_launcher(self) -> None:
        self._launcher = _MultiProcessingLauncher(self, start_method="spawn")

    def setup_environment(self) -> None:
        """Makes one group of all devices, each with its own examples."""
        self._data_parallel_size = self.num_processes * self.num_nodes
        super().setup_environment()
