"""Packed rows: prefixes and their responses in one row, every token computed once, no padding.

A packed row with one causal mask would spend attention on pairs that do not see each other. Here each segment attends
to its own past and to itself only (`sppl.scoring.attention`), so the arithmetic is that of the tokens alone. The keys
and values of a beginning that several passes share are kept from one pass to the next: the prefix cache.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import PreTrainedModel

from sppl.models.loading import body_of
from sppl.scoring.attention import ATTENTION, Layout, Segment
from sppl.scoring.planner import ForwardPass, PrefixGroup


@dataclass(frozen=True)
class PrefixCache:
    """Keys, values and last state of a beginning that later passes share."""

    tokens: tuple[int, ...]
    layers: dict[int, tuple[Tensor, Tensor]]
    """Keys and values by layer."""
    last: Tensor
    """Hidden state `[1, width]` of the last token."""


@dataclass(frozen=True)
class Row:
    """A packed row: its ids and segments, and the positions that predict scored tokens (-1: the cache's last)."""

    cache: PrefixCache | None = None
    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    predicting: list[int] = field(default_factory=list)


def packed_states(model: PreTrainedModel, batch: ForwardPass, cache: PrefixCache | None = None) -> Tensor:
    """Returns the hidden states `[scored tokens, width]` of a pass that reads each prefix once."""
    row = Row(cache)
    for group in batch.groups:
        _append(row, group)
    width = model.config.get_text_config().hidden_size
    last = cache.last if cache else torch.empty(0, width, dtype=model.dtype, device=model.device)
    states = torch.cat((_run(model, row), last)) if row.ids else last
    return states[torch.tensor(row.predicting, dtype=torch.long, device=states.device)]


def read_prefix(model: PreTrainedModel, tokens: tuple[int, ...]) -> PrefixCache:
    """Returns the keys, values and last hidden state of a beginning."""
    row = Row(ids=list(tokens), positions=list(range(len(tokens))), segments=[Segment(0, len(tokens), slice(0, 0))])
    layers: dict[int, tuple[Tensor, Tensor]] = {}
    last = _run(model, row, keep=layers)[-1:].clone()
    return PrefixCache(tokens, layers, last)


def _run(model: PreTrainedModel, row: Row, keep: dict[int, tuple[Tensor, Tensor]] | None = None) -> Tensor:
    ids = torch.tensor([row.ids], dtype=torch.long).to(model.device, non_blocking=True)
    positions = torch.tensor([row.positions], dtype=torch.long).to(model.device, non_blocking=True)
    layout = Layout(row.segments, row.cache.layers if row.cache else {}, keep)
    with _attention(model, ATTENTION):
        return body_of(model)(input_ids=ids, position_ids=positions, use_cache=False, layout=layout).last_hidden_state[
            0
        ]


def _append(row: Row, group: PrefixGroup) -> None:
    """Puts a group at the end of the row: the prefix with its first response behind it, then the other responses."""
    cached, trunk, own = len(row.cache.tokens) if row.cache else 0, len(row.ids), len(group.prefix)
    row.ids.extend(group.prefix)
    row.positions.extend(range(cached, cached + own))
    for number, request in enumerate(group.requests):
        start = len(row.ids)
        row.ids.extend(request.response[:-1])
        row.positions.extend(range(cached + own, cached + own + request.n_fed))
        if request.prefix:
            row.predicting.append(trunk + own - 1 if own else -1)
        row.predicting.extend(range(start, len(row.ids)))
        past = slice(trunk, trunk + own)
        if number == 0:
            start, past = trunk, slice(trunk, trunk)
        if len(row.ids) > start:
            row.segments.append(Segment(start, len(row.ids), past))


@contextmanager
def _attention(model: PreTrainedModel, name: str) -> Iterator[None]:
    """Within this block the model runs with another attention."""
    before = model.config._attn_implementation or "eager"
    model.set_attn_implementation(name)
    try:
        yield
    finally:
        model.set_attn_implementation(before)
