"""The loss of a model whose weights are shared out over devices (FSDP2)."""

from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard
from transformers import PreTrainedModel

from sppl.training.batches import Batch
from sppl.training.loss import summed_loss


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
