"""The rewarder: one number per finished chat under a frozen sequence classifier."""

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader
from transformers import PreTrainedModel


class Rewarder(pl.LightningModule):
    """`Trainer.predict(rewarder, chats_loader(chats))` gives one list of one reward per chat.

    Chats go through one by one: no padding, whose token some models take for the end of a response.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model.requires_grad_(False).eval()

    def transfer_batch_to_device(
        self, batch: tuple[int, ...], device: torch.device, dataloader_idx: int
    ) -> tuple[int, ...]:
        """The chat as it is: it is moved when it becomes a tensor."""
        return batch

    def predict_step(self, batch: tuple[int, ...], batch_idx: int) -> list[float]:
        """The reward of one chat."""
        ids = torch.tensor([batch], dtype=torch.long, device=self.device)
        logits = self.model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits
        return [float(logits[0, 0])]


def chats_loader(chats: list[tuple[int, ...]]) -> DataLoader:
    """A loader that hands the trainer one chat at a time."""
    return DataLoader(chats, batch_size=None)  # pyright: ignore[reportArgumentType]
