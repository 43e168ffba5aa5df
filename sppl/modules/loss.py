"""The loss of fine-tuning: response tokens only, however their rows are laid out."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from sppl.modules.batches import Batch
from sppl.modules.head import logits

CHUNK = 2**26
"""Logits held at once; 256 MiB of float32."""


def summed_loss(model: PreTrainedModel, batch: Batch) -> Tensor:
    """The sum of the negative log-likelihoods (nats) of a batch's response tokens.

    The head runs on the positions that predict these and on no others. Where their logits exceed `CHUNK` they are
    computed in pieces, and again in the backward pass.
    """
    output = model.get_decoder()(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False)
    hidden = output.last_hidden_state.flatten(0, 1)[batch["where"]]
    size = max(1, CHUNK // model.config.get_text_config().vocab_size)
    if len(hidden) <= size:
        return _loss(model, hidden, batch["labels"])
    parts = zip(hidden.split(size), batch["labels"].split(size), strict=True)
    return torch.stack([checkpoint(_loss, model, *part, use_reentrant=False) for part in parts]).sum()


def _loss(model: PreTrainedModel, hidden: Tensor, labels: Tensor) -> Tensor:
    return cross_entropy(logits(model, hidden).float(), labels, reduction="sum")
