"""Further statistics per token that some metrics need, computed from logits while these are in memory."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

TOP = 50
FAR = -100.0
"""Differences from the largest logit below this weigh nothing in float32; infinite ones would make 0 * inf."""


class ExtraColumns:
    """Columns of one value (float32) per token, filled block by block.

    `entropy` is that of the whole distribution the token was drawn from (nats). `top50_brier` (0 to 2) is the Brier
    score of the token under the softmax of the 50 most likely tokens alone: one that is not among them has probability
    0.
    """

    def __init__(self, columns: Sequence[str], n_tokens: int, device: torch.device) -> None:
        self.columns = {name: torch.empty(n_tokens, dtype=torch.float32, device=device) for name in columns}

    def fill(self, block: slice, tokens: Tensor, *, weights: Tensor, shifted: Tensor) -> None:
        """Fills a block of rows from their logits.

        Args:
            block: the positions of these tokens among all.
            tokens: their ids, one per row.
            weights: exp of `shifted`, `[tokens, vocabulary]`.
            shifted: logits minus the largest of their row, `[tokens, vocabulary]`; overwritten.
        """
        if "entropy" in self.columns:
            total = weights.sum(1)
            mean = torch.einsum("tv,tv->t", weights, shifted.clamp_(min=FAR)) / total
            self.columns["entropy"][block] = total.log() - mean
        if "top50_brier" in self.columns:
            top = weights.topk(min(TOP, weights.shape[1]), dim=1, sorted=False).values
            own = weights.gather(1, tokens)[:, 0]
            kept = top.sum(1)
            likely = own * (own >= top.amin(1)) / kept
            self.columns["top50_brier"][block] = 1 - 2 * likely + top.square().sum(1) / kept.square()

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the columns, once every block is filled."""
        return {name: values.cpu().numpy() for name, values in self.columns.items()}
