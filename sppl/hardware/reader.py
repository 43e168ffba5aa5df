"""The base of LightningModules that only read a model."""

from typing import Any

import pytorch_lightning as pl
import torch

from sppl.hardware.device import place


class ModelReader(pl.LightningModule):
    """A module that reads a model and never trains it.

    The model is not a submodule, because Lightning would move it back to the CPU after every run. Batches stay as they
    are; what they hold is moved when it becomes a tensor.

    Args:
        model: of any kind; set to eval mode.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self._held = (model.eval(),)

    @property
    def model(self) -> Any:
        """The model."""
        return self._held[0]

    def on_predict_start(self) -> None:
        """Puts the model where the trainer works."""
        place(self.model, self.device)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Returns the batch as it is."""
        return batch
