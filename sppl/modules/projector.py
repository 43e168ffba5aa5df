"""The projector: gradients of single responses, each folded into a few numbers before the next one is taken."""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from sppl.modules.batches import Batch
from sppl.modules.loss import summed_loss
from sppl.modules.requests import Request


class Projector(pl.LightningModule):
    """`Trainer.predict(projector, requests_loader(requests))` gives one list of one projected gradient per request.

    The gradient is that of the mean NLL (nats per response token). Every weight goes, with a random sign, into one of
    `dim` numbers: inner products are kept in expectation, and no matrix of weights times `dim` is needed. Signs and
    places depend on the seed and the weight's name alone, and are drawn and added up on the CPU, so they are the same
    on every device. The trainer must not run in inference mode.

    Args:
        model: a causal model in which the weights to read, and no others, require gradients.
        dim: how many numbers a gradient becomes.
        seed: of the projection.
    """

    def __init__(self, model: PreTrainedModel, dim: int, seed: int) -> None:
        super().__init__()
        self.model = model.eval()
        self.dim = dim
        self._read = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
        self._places = {name: places(f"{seed} {name}", weight.numel(), dim) for name, weight in self._read}

    def transfer_batch_to_device(self, batch: Request, device: torch.device, dataloader_idx: int) -> Request:
        """The request as it is: its token ids are moved when they become tensors."""
        return batch

    def predict_step(self, batch: Request, batch_idx: int) -> list[np.ndarray]:
        """The projected gradient of one response, float32 `[dim]`."""
        with torch.enable_grad():
            loss = summed_loss(self.model, self._batch(batch)) / batch.n_scored
            gradients = torch.autograd.grad(loss, [weight for _, weight in self._read])
        both = np.zeros(2 * self.dim)
        for (name, _), gradient in zip(self._read, gradients, strict=True):
            both += np.bincount(self._places[name], _plain(gradient), minlength=2 * self.dim)
        return [(both[: self.dim] - both[self.dim :]).astype(np.float32)]

    def _batch(self, request: Request) -> Batch:
        ids = torch.tensor(request.prefix + request.response, device=self.device)
        where = torch.arange(len(ids) - request.n_scored - 1, len(ids) - 1, device=self.device)
        return Batch(
            ids=[], input_ids=ids[None], position_ids=None, where=where, labels=ids[where + 1], tokens=request.n_scored
        )


def places(seed: str, n: int, dim: int) -> np.ndarray:
    """Where each of `n` numbers goes: below `dim` with its own sign, from there on with the other one; int32."""
    draw = np.random.default_rng(int.from_bytes(sha256(seed.encode()).digest()[:8], "big"))
    return draw.integers(2 * dim, size=n, dtype=np.int32)


def _plain(gradient: Tensor) -> np.ndarray:
    return gradient.detach().flatten().cpu().double().numpy()


def read_layers(model: PreTrainedModel, layers: Sequence[str]) -> None:
    """Makes the weights of these linear layers, and no others, require gradients.

    Raises:
        ValueError: the model lacks one of them; the message names those it has.
    """
    check_layers(model, layers)
    model.requires_grad_(False)
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and name.rpartition(".")[2] in layers:
            module.weight.requires_grad_(True)


def check_layers(model: PreTrainedModel, layers: Sequence[str]) -> None:
    """Refuses names that no linear layer of the model has.

    Raises:
        ValueError: one or more are missing; the message names those there are.
    """
    linear = [name.rpartition(".")[2] for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    if missing := sorted(set(layers) - set(linear)):
        there = ", ".join(dict.fromkeys(linear))
        raise ValueError(f"{type(model).__name__} has no layer called {', '.join(missing)}; there are {there}")
