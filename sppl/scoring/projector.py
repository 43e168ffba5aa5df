"""The projector: gradients of single responses, each folded into a few numbers before the next one is taken."""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from sppl.hardware.reader import ModelReader
from sppl.scoring.head import logits
from sppl.scoring.requests import ScoringRequest


class Projector(ModelReader):
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
        super().__init__(model)
        self.dim = dim
        self._read = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
        self._places = {name: projection_places(f"{seed} {name}", weight.numel(), dim) for name, weight in self._read}

    def predict_step(self, batch: ScoringRequest, batch_idx: int) -> list[np.ndarray]:
        """The projected gradient of one response, float32 `[dim]`."""
        with torch.enable_grad():
            gradients = torch.autograd.grad(self._mean_loss(batch), [weight for _, weight in self._read])
        both = np.zeros(2 * self.dim)
        for (name, _), gradient in zip(self._read, gradients, strict=True):
            both += np.bincount(self._places[name], _plain(gradient), minlength=2 * self.dim)
        return [(both[: self.dim] - both[self.dim :]).astype(np.float32)]

    def _mean_loss(self, request: ScoringRequest) -> Tensor:
        ids = torch.tensor([request.prefix + request.response], device=self.model.device)
        hidden = self.model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state[0]
        predicting = slice(len(hidden) - request.n_scored - 1, len(hidden) - 1)
        return cross_entropy(logits(self.model, hidden[predicting]).float(), ids[0, -request.n_scored :])


def projection_places(seed: str, n: int, dim: int) -> np.ndarray:
    """Returns the target place of each of `n` numbers (int32): below `dim` with its sign, from there on negated."""
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
