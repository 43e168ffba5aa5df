"""Statistics of given tokens from hidden states, without ever holding logits for more than a few of them."""

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

CHUNK = 2**24
"""Logits held at once (64 MiB in float32)."""


def token_statistics(model: PreTrainedModel, hidden: Tensor, tokens: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities (float32, nats) and ranks (int32) of `tokens`, predicted from the rows of `hidden`."""
    rows = max(1, CHUNK // model.config.vocab_size)
    tokens = tokens.to(hidden.device)
    logprobs = torch.empty(len(tokens), dtype=torch.float32, device=hidden.device)
    ranks = torch.empty(len(tokens), dtype=torch.int32, device=hidden.device)
    for start in range(0, len(tokens), rows):
        chunk = slice(start, start + rows)
        scores = logits(model, hidden[chunk]).float()
        own = scores.gather(1, tokens[chunk, None])
        logprobs[chunk] = own[:, 0] - scores.logsumexp(1)
        ranks[chunk] = 1 + (scores > own).sum(1, dtype=torch.int32)
    return logprobs.cpu().numpy(), ranks.cpu().numpy()


def logits(model: PreTrainedModel, hidden: Tensor) -> Tensor:
    """The model's own output for hidden states of any number of positions, without the rest of its forward pass."""
    head = model.get_output_embeddings()
    if head is None:
        raise ValueError(f"{type(model).__name__} has no language-model head; scoring needs a causal language model")
    scores = head(hidden)
    cap = getattr(model.config, "final_logit_softcapping", None)
    return scores if cap is None else cap * torch.tanh(scores / cap)
