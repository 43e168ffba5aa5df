"""Chooses the form of forward passes that is exact for a model, and runs padded passes."""

import logging
from collections.abc import Hashable, Sequence
from typing import Literal

import torch
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

from sppl.models.loading import body_of
from sppl.models.positions import forget_lengths, same_positions
from sppl.models.trial import try_model
from sppl.scoring.packed import packed_states
from sppl.scoring.planner import ForwardPass, PassForm, plan_passes
from sppl.scoring.requests import ScoringRequest

log = logging.getLogger(__name__)


def choose_form(config: PreTrainedConfig) -> PassForm:
    """Returns the cheapest form that can be exact for an architecture: `tree`, or `padded` without full attention."""
    config = config.get_text_config()
    layers = set(getattr(config, "layer_types", None) or ["unknown"])
    sliding = getattr(config, "sliding_window", None) if "unknown" in layers else None
    rotary = getattr(config, "rope_parameters", None)
    full = layers <= {"full_attention", "unknown"} and not sliding
    return "tree" if full and rotary and not _needs_rows(config) else "padded"


def _needs_rows(config: PreTrainedConfig) -> bool:
    """Whether shared forms may be wrong for long prompts though a short trial would not show it."""
    return bool(same_positions(config)(1) or getattr(config, "attention_chunk_size", None))


def exact_form(model: PreTrainedModel, form: PassForm | Literal["auto"] = "auto") -> PassForm:
    """Returns the form to plan with: the given or chosen one if a trial on this model agrees, else `padded`."""
    wanted = choose_form(model.config) if form == "auto" else form
    if wanted != "padded" and (_needs_rows(model.config.get_text_config()) or not _agrees_with_padding(model)):
        log.warning("%s is scored with padding: its shared forms are not exact", type(model).__name__)
        return "padded"
    log.info("%s is scored in the form %s", type(model).__name__, wanted)
    return wanted


def _agrees_with_padding(model: PreTrainedModel) -> bool:
    """Whether both forms give the same hidden states on a few tokens."""
    size = model.config.get_text_config().vocab_size
    prefix, responses = (1, 2, 3, 4, 5), ((6, 7, 8, 9), (7, 6), (6, 7, 9))
    requests = [ScoringRequest(tuple(t % size for t in prefix), tuple(t % size for t in r)) for r in responses]
    tree = ForwardPass("tree", plan_passes(requests, max_tokens=100, form="tree")[0].groups)
    shared = try_model(model, "a packed row", lambda: packed_states(model, tree).float())
    if shared is None:
        return False
    padded = padded_states(model, ForwardPass("padded", tree.groups)).float()
    tolerance = 1e-4 if model.dtype == torch.float32 else 5e-2
    return bool((shared - padded).norm() <= tolerance * padded.norm())


def padded_states(model: PreTrainedModel, batch: ForwardPass) -> Tensor:
    """Returns the hidden states `[scored tokens, width]` of a pass with one row per request.

    Rows are padded on the right: under causal attention no token sees what comes after it, so no mask is needed. Where
    the rotary embedding changes with the length of a pass, every row is read with those for which it is the same, and
    whole: what its last token is does not matter, but that it is there does.
    """
    alike = same_positions(model.config.get_text_config())
    whole = [request.prefix + request.response for request in batch.requests]
    by_length: dict[Hashable, list[int]] = {}
    for number, row in enumerate(whole):
        by_length.setdefault(alike(len(row)), []).append(number)
    rows = whole if alike(1) else [row[:-1] for row in whole]
    found: dict[int, Tensor] = {}
    for numbers in by_length.values():
        hidden = _read([rows[number] for number in numbers], model)
        for number, states in zip(numbers, hidden, strict=True):
            end = len(whole[number]) - 1
            found[number] = states[end - batch.requests[number].n_scored : end]
    return torch.cat([found[number] for number in range(len(rows))])


def _read(rows: Sequence[tuple[int, ...]], model: PreTrainedModel) -> Tensor:
    """Hidden states `[rows, longest, width]`."""
    ids = torch.zeros(len(rows), max(1, *(len(row) for row in rows)), dtype=torch.long)
    for place, row in zip(ids, rows, strict=True):
        place[: len(row)] = torch.tensor(row, dtype=torch.long)
    forget_lengths(model)
    return body_of(model)(input_ids=ids.to(model.device), use_cache=False).last_hidden_state
