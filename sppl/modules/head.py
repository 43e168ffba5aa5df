"""Statistics of given tokens from hidden states, without ever holding logits for more than a few of them."""

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

CHUNK = 2**24
"""Logits held at once (64 MiB in float32)."""


def token_statistics(model: PreTrainedModel, hidden: Tensor, tokens: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities (float32, nats) and ranks (int32) of `tokens`, predicted from the rows of `hidden`."""
    rows = max(1, CHUNK // model.config.get_text_config().vocab_size)
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
    config = model.config.get_text_config()
    scores, scale = head(hidden), getattr(config, "logit_scale", 1.0) / getattr(config, "logits_scaling", 1.0)
    cap = getattr(config, "final_logit_softcapping", None)
    scores = scores if scale == 1 else scores * scale
    return scores if cap is None else cap * torch.tanh(scores / cap)


def check_head(model: PreTrainedModel) -> None:
    """Refuses a model whose output is more than its last hidden state times its head.

    Raises:
        ValueError: naming the model class, because every score would be wrong.
    """
    ids = torch.tensor([[1, 2, 3]], device=model.device) % model.config.get_text_config().vocab_size
    own = model(input_ids=ids, use_cache=False).logits[0].float()
    ours = logits(model, model.base_model(input_ids=ids, use_cache=False).last_hidden_state[0]).float()
    if (own - ours).norm() > (1e-4 if model.dtype == torch.float32 else 5e-2) * own.norm():
        raise ValueError(f"{type(model).__name__} changes its logits after the head; such models cannot be scored yet")
