"""The forms a pass can be run in, and which of them is exact for a model."""

import logging
from typing import Literal

import torch
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

from sppl.models.loading import body
from sppl.scoring.packed import packed_states
from sppl.scoring.planner import Form, Pass, plan
from sppl.scoring.requests import Request

log = logging.getLogger(__name__)

LENGTH_DEPENDENT = ("dynamic", "longrope")
"""Rotary embeddings that change with the longest position of a pass."""


def choose_form(config: PreTrainedConfig) -> Form:
    """The cheapest form that can be exact for an architecture: `tree`, but `padded` where attention is not full."""
    config = config.get_text_config()
    layers = set(getattr(config, "layer_types", None) or ["unknown"])
    sliding = getattr(config, "sliding_window", None) if "unknown" in layers else None
    rotary = getattr(config, "rope_parameters", None) or {}
    full = layers <= {"full_attention", "unknown"} and not sliding and not getattr(config, "attention_chunk_size", None)
    return "tree" if full and rotary and rotary.get("rope_type") not in LENGTH_DEPENDENT else "padded"


def exact_form(model: PreTrainedModel, form: Form | Literal["auto"] = "auto") -> Form:
    """The form to plan with: the one asked for or chosen, checked on this very model; else `padded`, with a warning."""
    wanted = choose_form(model.config) if form == "auto" else form
    if wanted != "padded" and not _agrees_with_padding(model):
        log.warning("%s is scored with padding: its shared forms are not exact", type(model).__name__)
        return "padded"
    log.info("%s is scored in the form %s", type(model).__name__, wanted)
    return wanted


def _agrees_with_padding(model: PreTrainedModel) -> bool:
    """Whether both forms give the same hidden states on a few tokens."""
    size = model.config.get_text_config().vocab_size
    prefix, responses = (1, 2, 3, 4, 5), ((6, 7, 8, 9), (7, 6), (6, 7, 9))
    requests = [Request(tuple(t % size for t in prefix), tuple(t % size for t in r)) for r in responses]
    tree = Pass("tree", plan(requests, max_tokens=100, form="tree")[0].groups)
    try:
        shared = packed_states(model, tree).float()
    except (AttributeError, KeyError, TypeError, ValueError):
        log.info("%s cannot run a packed row", type(model).__name__, exc_info=True)
        return False
    padded = padded_states(model, Pass("padded", tree.groups)).float()
    tolerance = 1e-4 if model.dtype == torch.float32 else 5e-2
    return bool((shared - padded).norm() <= tolerance * padded.norm())


def padded_states(model: PreTrainedModel, batch: Pass) -> Tensor:
    """Hidden states `[scored tokens, width]` of a pass with one row per request.

    Rows are padded on the right: under causal attention no token sees what comes after it, so no mask is needed.
    """
    rows = [request.prefix + request.response[:-1] for request in batch.requests]
    width = max(1, *(len(row) for row in rows))
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    for place, row in zip(ids, rows, strict=True):
        place[: len(row)] = torch.tensor(row, dtype=torch.long)
    hidden = body(model)(input_ids=ids.to(model.device), use_cache=False).last_hidden_state
    spans = [range(len(row) - request.n_scored, len(row)) for row, request in zip(rows, batch.requests, strict=True)]
    flat = [number * width + position for number, span in enumerate(spans) for position in span]
    return hidden.flatten(0, 1)[torch.tensor(flat, dtype=torch.long, device=hidden.device)]
