"""Fully sharded training (FSDP2): every device holds a share of the weights, gradients and optimiser states."""

from typing import Any

from pytorch_lightning.strategies import ModelParallelStrategy
from pytorch_lightning.strategies.launchers import _MultiProcessingLauncher
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard
from transformers import PreTrainedModel

from sppl.modules.batches import Batch
from sppl.modules.loss import summed_loss


class Sharded(ModelParallelStrategy):
    """Shards over all devices; its processes are spawned for one fit, as those of `ddp_spawn` are.

    Lightning's own would start the whole command again on every device, all its stages included.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(tensor_parallel_size=1, save_distributed_checkpoint=False, **settings)

    def _configure_launcher(self) -> None:
        self._launcher = _MultiProcessingLauncher(self, start_method="spawn")

    def setup_environment(self) -> None:
        """One group of all devices, each with its own examples."""
        self._data_parallel_size = self.num_processes * self.num_nodes
        super().setup_environment()


class ShardedLoss(nn.Module):
    """`summed_loss` of a model whose weights are gathered layer by layer while it is computed."""

    def __init__(self, model: PreTrainedModel, mesh: DeviceMesh) -> None:
        super().__init__()
        self.model = model
        for layer in model.get_decoder().layers:  # pyright: ignore
            fully_shard(layer, mesh=mesh)
        fully_shard(self, mesh=mesh)

    def forward(self, batch: Batch) -> Tensor:
        """See `summed_loss`."""
        return summed_loss(self.model, batch)
