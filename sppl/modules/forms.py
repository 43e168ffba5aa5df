"""Hidden states at the positions that predict a response token, by the forms a pass can be run in."""

import torch
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

from sppl.data.planner import Form, Pass


def choose_form(config: PreTrainedConfig) -> Form:  # noqa: ARG001
    """The cheapest form that is exact for the architecture."""
    return "padded"


def predicting_states(model: PreTrainedModel, batch: Pass) -> Tensor:
    """Hidden states `[scored tokens of the pass, width]`, in the order of `batch.requests`."""
    return _padded(model, batch)


def _padded(model: PreTrainedModel, batch: Pass) -> Tensor:
    """One row per request, padded on the right: under causal attention no token sees what comes after it."""
    rows = [request.prefix + request.response[:-1] for request in batch.requests]
    width = max(1, *(len(row) for row in rows))
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    for place, row in zip(ids, rows, strict=True):
        place[: len(row)] = torch.tensor(row, dtype=torch.long)
    hidden = model.base_model(input_ids=ids.to(model.device), use_cache=False).last_hidden_state
    spans = [range(len(row) - request.n_scored, len(row)) for row, request in zip(rows, batch.requests, strict=True)]
    flat = [number * width + position for number, span in enumerate(spans) for position in span]
    return hidden.flatten(0, 1)[torch.tensor(flat, dtype=torch.long, device=hidden.device)]
