"""The summariser: how the tokens of a response lie inside a frozen model, without keeping its hidden states."""

from collections.abc import Set
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from sppl.hardware.reader import ModelReader
from sppl.models.loading import body_of
from sppl.scoring.head import token_statistics
from sppl.scoring.requests import ScoringRequest

ROWS = 512
"""Tokens whose hidden states are normalised at once."""


class Summary(NamedTuple):
    """The figures kept of one response; see `sppl.tables.hidden_states.HiddenStates`."""

    answer_loss: float
    question_loss: float
    answer_answer: float
    answer_question: float


class Summariser(ModelReader):
    """`Trainer.predict(summariser, requests_loader(requests))` gives one list of one `Summary` per request.

    Requests go through one by one. A forward hook on the layer adds up the normalised hidden states of question and
    response while they pass; a mean over pairs of tokens is the product of two of these means.

    Args:
        model: a frozen causal model.
        layer: how the module's name ends whose outputs are compared; of several the last.
        special: token ids that count neither as question nor as response.

    Raises:
        ValueError: the model has no such module; the message names those it has in its last block.
    """

    def __init__(self, model: PreTrainedModel, layer: str, special: Set[int]) -> None:
        super().__init__(model.requires_grad_(False))
        self.special = special
        self._weights = self._means = torch.empty(0)
        self._layer = _last(model, layer)

    def predict_step(self, batch: ScoringRequest, batch_idx: int) -> list[Summary]:
        """Returns the summary of one response.

        Raises:
            ValueError: question or response have no token that counts.
        """
        tokens = batch.prefix + batch.response
        plain = torch.tensor([token not in self.special for token in tokens])
        response = torch.arange(len(tokens)) >= len(batch.prefix)
        parts = torch.stack([plain & response, plain & ~response])
        predicted = parts.clone()
        predicted[:, 0] = False  # nothing stands before the first token of all
        if not predicted.any(dim=1).all():
            raise ValueError("no token of the response, or none of its question, is both plain text and predicted")
        self._weights = (parts / parts.sum(dim=1, keepdim=True)).to(self.model.device, torch.float32)
        ids = torch.tensor([tokens], device=self.model.device)
        hook = self._layer.register_forward_hook(self._add_up)
        try:
            hidden = body_of(self.model)(input_ids=ids, use_cache=False).last_hidden_state[0, :-1]
        finally:
            hook.remove()
        logprobs, _ = token_statistics(self.model, hidden, ids[0, 1:])
        losses = [-float(logprobs[part[1:].numpy()].astype("float64").mean()) for part in predicted]
        answer, question = self._means
        return [Summary(losses[0], losses[1], float(answer @ answer), float(answer @ question))]

    def _add_up(self, module: nn.Module, given: Any, output: Tensor) -> None:
        states = output.reshape(-1, output.shape[-1])
        means = states.new_zeros(2, states.shape[-1], dtype=torch.float32)
        for rows, weights in zip(states.split(ROWS), self._weights.split(ROWS, dim=1), strict=True):
            means += weights @ normalize(rows.float(), dim=1)
        self._means = means


def requests_loader(requests: list[ScoringRequest]) -> DataLoader:
    """Returns a loader that hands the trainer one request at a time."""
    return DataLoader(requests, batch_size=None)  # pyright: ignore[reportArgumentType]


def _last(model: PreTrainedModel, ending: str) -> nn.Module:
    names = [name for name, _ in model.named_modules()]
    found = [name for name in names if f".{name}".endswith(f".{ending}")]
    if not found:
        artifacts = [name for name, module in model.named_modules() if not list(module.children())]
        endings = dict.fromkeys(".".join(name.rsplit(".", 2)[-2:]) for name in artifacts)
        raise ValueError(f"{type(model).__name__} has no module called {ending}; there are {', '.join(endings)}")
    return model.get_submodule(found[-1])
