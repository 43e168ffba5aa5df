"""The rewarder: one number per finished chat under a frozen sequence classifier."""

import torch
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from sppl.hardware.reader import ModelReader


class Rewarder(ModelReader):
    """`Trainer.predict(rewarder, chats_loader(chats))` gives one list of one reward per chat.

    Chats go through one by one: no padding, whose token some models take for the end of a response.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__(model.requires_grad_(False))

    def predict_step(self, batch: tuple[int, ...], batch_idx: int) -> list[float]:
        """The reward of one chat."""
        ids = torch.tensor([batch], dtype=torch.long, device=self.model.device)
        logits = self.model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits
        return [float(logits[0, 0])]


def chats_loader(chats: list[tuple[int, ...]]) -> DataLoader:
    """Returns a loader that hands the trainer one chat at a time."""
    return DataLoader(chats, batch_size=None)  # pyright: ignore[reportArgumentType]
