"""Computes statistics of given tokens from hidden states, holding logits for only a few tokens at a time."""

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from sppl.scoring.columns import ExtraColumns

CHUNK = 2**25
"""Logits held at once (128 MiB in float32). Half as many cost a tenth more time at a vocabulary of 150k: the head's
weights are read from memory once per chunk."""
BLOCK = 2**19
"""Logits read at once on a CPU, so that several passes over them stay in its cache."""


def token_statistics(
    model: PreTrainedModel, hidden: Tensor, tokens: Tensor, further: ExtraColumns | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Returns log-probabilities (float32, nats) and ranks (int32) of `tokens`, predicted from the rows of `hidden`.

    The columns of `further` are filled on the way, while the logits are in memory.
    """
    size = model.config.get_text_config().vocab_size
    tokens = tokens.to(hidden.device)
    logprobs = torch.empty(len(tokens), dtype=torch.float32, device=hidden.device)
    ranks = torch.empty(len(tokens), dtype=torch.int32, device=hidden.device)
    rows = max(1, min(len(tokens), CHUNK // size))
    # One buffer for all chunks: fresh pages for each would cost a tenth of the time.
    held = torch.empty(rows, size, dtype=hidden.dtype, device=hidden.device)
    step = max(1, BLOCK // size) if hidden.device.type == "cpu" else rows
    larger = torch.empty(step, size, dtype=torch.float32, device=hidden.device)
    for start in range(0, len(tokens), rows):
        scores = logits(model, hidden[start : start + rows], held)
        for first in range(0, len(scores), step):
            block = slice(start + first, min(start + first + step, start + len(scores)))
            part = scores[first : first + step].float()
            logprobs[block], ranks[block] = _statistics(part, tokens[block, None], larger[: len(part)])
            if further is not None:
                further.fill(block, tokens[block, None], weights=part, shifted=larger[: len(part)])
    return logprobs.cpu().numpy(), ranks.cpu().numpy()


def _statistics(scores: Tensor, tokens: Tensor, larger: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probability and rank per row; leaves exp(scores - largest) in `scores`, and scores - largest in `larger`."""
    own = scores.gather(1, tokens)
    # A comparison written as float32 needs no conversion before the sum, and counts exactly up to 2**24.
    ranks = 1 + torch.gt(scores, own, out=larger).sum(1)
    top = scores.amax(1, keepdim=True)
    total = torch.exp(torch.sub(scores, top, out=larger), out=scores).sum(1)
    return (own - top)[:, 0] - total.log(), ranks.int()


def logits(model: PreTrainedModel, hidden: Tensor, held: Tensor | None = None) -> Tensor:
    """Returns the model's logits for hidden states of any number of positions.

    A plain head writes into `held` (at least as many rows), where it is given.
    """
    head = model.get_output_embeddings()
    if head is None:
        raise ValueError(f"{type(model).__name__} has no language-model head; scoring needs a causal language model")
    config = model.config.get_text_config()
    if held is not None and type(head) is nn.Linear and head.bias is None and held.shape[1] == head.out_features:
        scores = torch.mm(hidden, head.weight.t(), out=held[: len(hidden)])
    else:
        scores = head(hidden)
    scale = (getattr(config, "logit_scale", None) or 1.0) / getattr(config, "logits_scaling", 1.0)
    scores = scores if scale == 1 else scores * scale
    cap = getattr(config, "final_logit_softcapping", None)
    return scores if cap is None else cap * torch.tanh(scores / cap)
