"""The scorer: log-probability and rank of every token of given responses under a frozen causal language model."""

import logging
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from sppl.data.planner import Form, Pass, plan
from sppl.data.requests import Request
from sppl.modules.forms import choose_form, predicting_states
from sppl.modules.head import token_statistics

log = logging.getLogger(__name__)


class Scored(NamedTuple):
    """Statistics of one request's scored tokens."""

    index: int
    logprobs: np.ndarray
    """float32, nats."""
    ranks: np.ndarray
    """int32; 1 + how many vocabulary entries are more likely than the token."""


class ResponseScorer(pl.LightningModule):
    """Scores passes: `Trainer.predict(scorer, passes_loader(passes))` gives one list of `Scored` per pass."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model.requires_grad_(False).eval()

    def transfer_batch_to_device(self, batch: Pass, device: torch.device, dataloader_idx: int) -> Pass:
        """The pass as it is: its token ids are moved when they become tensors."""
        return batch

    def predict_step(self, batch: Pass, batch_idx: int) -> list[Scored]:
        """Statistics of every request of the pass."""
        hidden = predicting_states(self.model, batch)
        tokens = [token for r in batch.requests for token in r.response[len(r.response) - r.n_scored :]]
        logprobs, ranks = token_statistics(self.model, hidden, torch.tensor(tokens, dtype=torch.long))
        ends = np.cumsum([request.n_scored for request in batch.requests])[:-1]
        parts = zip(batch.requests, np.split(logprobs, ends), np.split(ranks, ends), strict=True)
        return [Scored(request.index, logprob, rank) for request, logprob, rank in parts]


def passes_loader(passes: Sequence[Pass]) -> DataLoader:
    """A loader that hands the trainer one pass at a time, as planned."""
    return DataLoader(list(passes), batch_size=None)  # pyright: ignore[reportArgumentType]


def score(
    model: PreTrainedModel, requests: Sequence[Request], *, max_tokens: int, form: Form | Literal["auto"] = "auto"
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Log-probabilities (float32, nats) and ranks (int32) of each request's scored tokens, in the requests' order."""
    numbered = [Request(request.prefix, request.response, index) for index, request in enumerate(requests)]
    scorer = ResponseScorer(model)
    passes = plan(numbered, max_tokens=max_tokens, form=choose_form(model.config) if form == "auto" else form)
    with torch.inference_mode():
        scored = [one for number, batch in enumerate(passes) for one in scorer.predict_step(batch, number)]
    return [(one.logprobs, one.ranks) for one in sorted(scored, key=lambda one: one.index)]
