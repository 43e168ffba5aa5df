"""Computes loss and gradients of a batch with one launch on CUDA, from a graph recorded per batch size.

A step of a small model is ten thousand kernels of a few microseconds each, and starting them one by one takes several
times as long as running them.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from sppl.hardware.recording import can_record, record
from sppl.training.batches import Batch
from sppl.training.loss import IGNORED

LARGEST = 1_000_000_000
"""Weights above which a step's arithmetic hides the starting of its kernels."""

Sizes = tuple[int, int, int]
"""The rows, tokens per row and labels that a graph has room for."""


def recordable(model: nn.Module) -> bool:
    """Whether a model's steps can be recorded and are worth it: on CUDA, small, and nothing in them is random."""
    weights = list(model.parameters())
    small = sum(weight.numel() for weight in weights) <= LARGEST
    return weights[0].is_cuda and small and not drops_something(model) and can_record(model)


def drops_something(model: nn.Module) -> bool:
    """Whether training the model leaves out something at random, heads aside that a causal language model has not."""
    drops = any(isinstance(part, nn.Dropout) and part.p > 0 for part in model.modules())
    config: Any = model.config
    return drops or any(
        value
        for name, value in config.to_dict().items()
        if name.endswith(("dropout", "pdrop")) and not name.startswith(("classifier", "summary"))
    )


def round_up_size(number: int) -> int:
    """Returns the next of few sizes (32, 48, 64, 96, 128, 192, ...), at most half as large again."""
    power = 1 << max(5, (number - 1).bit_length())
    return power - power // 4 if power > 32 and number <= power - power // 4 else power


class RecordedLoss:
    """Adds the gradients of batches to those of the weights, from graphs recorded when a size is met again.

    A graph belongs to one size, so batches are filled up to one of few sizes: with tokens after all others, which no
    token of a causal model sees, and with labels that count nothing. Recording takes as long as some ten steps, so a
    batch uses a somewhat larger graph where there is one.

    Args:
        loss: the sum of a batch's losses; computed within the block the caller computes in.
        weights: what is trained; their `grad` must stay the same tensors.
    """

    def __init__(self, loss: Callable[[Batch], Tensor], weights: list[nn.Parameter]) -> None:
        self.loss, self.weights = loss, weights
        self.met: set[Sizes] = set()
        self.recorded: dict[Sizes, tuple[Batch, Tensor, Tensor, Callable[[], None]]] = {}
        self.pool: Any = None

    def backward(self, batch: Batch) -> Tensor | None:
        """Returns the batch's loss per token of its step; None for a new size, which the caller has to compute."""
        rows, width = batch["input_ids"].shape
        sizes = rows, round_up_size(width), round_up_size(len(batch["labels"]))
        if batch["position_ids"] is not None or not len(batch["labels"]):
            return None
        fitting = self._fitting(sizes)
        if fitting is None:
            if sizes not in self.met:
                self.met.add(sizes)
                return None
            self.recorded[sizes] = self._record(sizes, batch)
            fitting = sizes
        held, tokens, total, replay = self.recorded[fitting]
        fill(held, batch)
        tokens.fill_(float(batch["tokens"]))
        replay()
        return total.clone()

    def _fitting(self, sizes: Sizes) -> Sizes | None:
        """The smallest recorded size that a batch fits into without becoming half as large again."""
        rows, width, room = sizes
        found = [
            one
            for one in self.recorded
            if one[0] == rows and width <= one[1] <= 1.5 * width and room <= one[2] <= 1.5 * room
        ]
        return min(found, default=None)

    def _record(self, sizes: Sizes, batch: Batch) -> tuple[Batch, Tensor, Tensor, Callable[[], None]]:
        rows, width, room = sizes
        device = batch["input_ids"].device
        held = Batch(
            ids=[], position_ids=None, tokens=1,
            input_ids=torch.zeros(rows, width, dtype=torch.long, device=device),
            where=torch.zeros(room, dtype=torch.long, device=device),
            labels=torch.full((room,), IGNORED, device=device),
        )  # fmt: skip
        fill(held, batch)
        gradients: list[Any] = [weight.grad for weight in self.weights]
        tokens, total = torch.ones((), device=device), torch.zeros((), device=device)

        def add() -> None:
            loss = self.loss(held) / tokens
            # not backward(), which works on the caller's stream
            found = torch.autograd.grad(loss, self.weights, allow_unused=True)
            for gradient, more in zip(gradients, found, strict=True):
                if more is not None:
                    gradient.add_(more)
            total.copy_(loss.detach())

        kept = [gradient.clone() for gradient in gradients]
        replay, self.pool = record(add, device, self.pool, warm=bool(self.recorded))
        for gradient, before in zip(gradients, kept, strict=True):
            gradient.copy_(before)
        return held, tokens, total, replay


def fill(held: Batch, batch: Batch) -> None:
    """Copies a batch into one with more room."""
    width, room = batch["input_ids"].shape[1], len(batch["labels"])
    held["input_ids"].zero_()[:, :width] = batch["input_ids"]
    rows = batch["where"] // width
    held["where"].zero_()[:room] = batch["where"] + rows * (held["input_ids"].shape[1] - width)
    held["labels"].fill_(IGNORED)[:room] = batch["labels"]
