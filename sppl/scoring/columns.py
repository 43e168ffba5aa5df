"""ExtraColumns statistics per token that some metrics ask for, taken from logits while they are there."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

TOP = 50
FAR = -100.0
"""Differences from the largest logit below this weigh nothing in float32; infinite ones would make 0 * inf."""


class ExtraColumns:
    """Columns of one value (float32) per token, filled block by block.

    `entropy` is that of the whole distribution the token was drawn from (nats). `loss_top50` (nats) and `brier_top50`
    (0 to 2) are the loss and the Brier score of the token under the 50 most likely tokens, and the token itself where
    it is not among them, with their probabilities made to sum to 1.
    """

    def __init__(self, columns: Sequence[str], n_tokens: int, device: torch.device) -> None:
        self.columns = {name: torch.empty(n_tokens, dtype=torch.float32, device=device) for name in columns}

    def fill(self, block: slice, logprobs: Tensor, *, weights: Tensor, shifted: Tensor) -> None:
        """Takes rows of logits as `shifted` (minus their largest; written over) and `weights` (exp of that)."""
        total = weights.sum(1)
        if "entropy" in self.columns:
            mean = torch.einsum("tv,tv->t", weights, shifted.clamp_(min=FAR)) / total
            self.columns["entropy"][block] = total.log() - mean
        if "brier_top50" in self.columns or "loss_top50" in self.columns:
            top = weights.topk(min(TOP, weights.shape[1]), dim=1, sorted=False).values
            log_own = logprobs + total.log()
            own = log_own.exp()
            outside = own * (own < top.amin(1))
            kept = top.sum(1) + outside
            likely = own / kept
            found = {
                "loss_top50": kept.log() - log_own,
                "brier_top50": 1 - 2 * likely + (top.square().sum(1) + outside.square()) / kept.square(),
            }
            for name, values in found.items():
                if name in self.columns:
                    self.columns[name][block] = values

    def arrays(self) -> dict[str, np.ndarray]:
        """The columns, once every block is filled."""
        return {name: values.cpu().numpy() for name, values in self.columns.items()}
