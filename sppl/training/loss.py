"""The loss of fine-tuning, over response tokens only, however rows are laid out."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from sppl.models.loading import body_of
from sppl.scoring.head import logits
from sppl.training.batches import Batch

CHUNK = {"cpu": 2**26, "cuda": 2**28}
"""Logits held at once; 256 MiB of float32, on a GPU 1 GiB."""
IGNORED = -100
"""The label of positions that do not count."""


def summed_loss(model: PreTrainedModel, batch: Batch) -> Tensor:
    """Returns the sum of the negative log-likelihoods (nats) of a batch's response tokens.

    The head runs on the positions that predict these and on no others. Where their logits exceed `CHUNK` they are
    computed in pieces, and again in the backward pass.
    """
    output = body_of(model)(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False)
    hidden = output.last_hidden_state.flatten(0, 1).index_select(0, batch["where"])
    size = max(1, CHUNK.get(hidden.device.type, CHUNK["cpu"]) // model.config.get_text_config().vocab_size)
    if len(hidden) <= size:
        return _loss(model, hidden, batch["labels"])
    parts = zip(hidden.split(size), batch["labels"].split(size), strict=True)
    pieces = [checkpoint(_loss, model, *part, use_reentrant=False, preserve_rng_state=False) for part in parts]
    return torch.stack(pieces).sum()


def _loss(model: PreTrainedModel, hidden: Tensor, labels: Tensor) -> Tensor:
    return cross_entropy(logits(model, hidden).float(), labels, reduction="sum", ignore_index=IGNORED)
