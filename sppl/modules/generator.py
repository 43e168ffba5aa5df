"""Answers of a frozen causal model."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class AnswerGenerator(pl.LightningModule):
    """Continuations of batches of prompts, greedy unless they are sampled.

    Args:
        model: a frozen causal language model.
        pad: id that fills the left side of shorter prompts.
        end: id that ends an answer.
        max_new_tokens: the longest answer.
        sampling: `temperature`, `top_p`, `top_k` and `seed`; each batch then holds one prompt, and a prompt gets the
            same answer wherever it stands. None: greedy.
    """

    def __init__(
        self,
        model: "PreTrainedModel",
        *,
        pad: int,
        end: int,
        max_new_tokens: int,
        sampling: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.model: Any = model
        self.pad, self.end, self.max_new_tokens = pad, end, max_new_tokens
        self.sampling = dict(sampling) if sampling else {}

    def predict_step(self, batch: Sequence[tuple[int, tuple[int, ...]]], batch_idx: int) -> list[tuple[int, list[int]]]:
        """The answer's ids (without the end token) of each `(index, prompt ids)` of the batch."""
        width = max(len(prompt) for _, prompt in batch)
        ids = torch.full((len(batch), width), self.pad, device=self.device)
        mask = torch.zeros_like(ids)
        for row, (_, prompt) in enumerate(batch):
            ids[row, width - len(prompt) :] = torch.tensor(prompt, device=self.device)
            mask[row, width - len(prompt) :] = 1
        greedy = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        drawing = {"do_sample": True} | {name: value for name, value in self.sampling.items() if name != "seed"}
        with torch.random.fork_rng(enabled=bool(self.sampling)):
            if self.sampling:
                told = repr((self.sampling["seed"], *batch[0][1]))
                torch.manual_seed(int(sha256(told.encode()).hexdigest()[:12], 16))
            made = self.model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=self.max_new_tokens,
                num_beams=1,
                pad_token_id=self.pad,
                eos_token_id=self.end,
                **(drawing if self.sampling else greedy),
            )
        return [(index, self._answer(row)) for (index, _), row in zip(batch, made[:, width:].tolist(), strict=True)]

    def _answer(self, ids: list[int]) -> list[int]:
        return ids[: ids.index(self.end)] if self.end in ids else ids
