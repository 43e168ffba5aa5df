"""The shared forms: prefixes and their responses packed in one row, every token computed once, no padding.

A packed row with one dense mask spends attention on pairs that do not see each other. Here each branch attends to its
own past and to itself only, by one call each, so the arithmetic is that of the tokens alone. The keys and values of a
head that several passes share are kept from one pass to the next.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, PreTrainedModel

from sppl.modules.planner import Group, Pass

ATTENTION = "sppl_tree"


@dataclass(frozen=True)
class Head:
    """What is left of a beginning that later passes share."""

    tokens: tuple[int, ...]
    layers: dict[int, tuple[Tensor, Tensor]]
    """Keys and values by layer."""
    last: Tensor
    """Hidden state `[1, width]` of the last token."""


@dataclass(frozen=True)
class Branch:
    """Tokens `start:stop` of a row: they see the head, `past` (a span of the row) and, causally, themselves."""

    start: int
    stop: int
    past: slice
    mask: Tensor | None


@dataclass(frozen=True)
class Row:
    """What to feed, what sees what, and which positions predict scored tokens (-1: the head's last)."""

    head: Head | None = None
    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    predicting: list[int] = field(default_factory=list)
    kept: dict[int, tuple[Tensor, Tensor]] | None = None
    """Takes the row's own keys and values, where it is a head itself."""


def tree_states(model: PreTrainedModel, batch: Pass, head: Head | None = None) -> Tensor:
    """Hidden states `[scored tokens, width]` of a pass that reads each prefix once."""
    row = Row(head)
    for group in batch.groups:
        _add(row, group, model)
    width = model.config.get_text_config().hidden_size
    last = head.last if head else torch.empty(0, width, dtype=model.dtype, device=model.device)
    states = torch.cat((_run(model, row), last)) if row.ids else last
    return states[torch.tensor(row.predicting, dtype=torch.long, device=states.device)]


def read_head(model: PreTrainedModel, tokens: tuple[int, ...]) -> Head:
    """Keys, values and last hidden state of a head."""
    layers: dict[int, tuple[Tensor, Tensor]] = {}
    row = Row(ids=list(tokens), positions=list(range(len(tokens))), kept=layers)
    row.branches.append(Branch(0, len(tokens), slice(0, 0), None))
    last = _run(model, row)[-1:].clone()
    return Head(tokens, layers, last)


def _run(model: PreTrainedModel, row: Row) -> Tensor:
    ids = torch.tensor([row.ids], dtype=torch.long, device=model.device)
    positions = torch.tensor([row.positions], dtype=torch.long, device=model.device)
    with _attention(model, ATTENTION):
        return model.base_model(input_ids=ids, position_ids=positions, use_cache=False, row=row).last_hidden_state[0]


def _add(row: Row, group: Group, model: PreTrainedModel) -> None:
    """Puts a group at the end of the row: the prefix with its first response behind it, then the other responses."""
    head, trunk, own = len(row.head.tokens) if row.head else 0, len(row.ids), len(group.prefix)
    row.ids.extend(group.prefix)
    row.positions.extend(range(head, head + own))
    for number, request in enumerate(group.requests):
        start = len(row.ids)
        row.ids.extend(request.response[:-1])
        row.positions.extend(range(head + own, head + own + request.n_fed))
        if request.prefix:
            row.predicting.append(trunk + own - 1 if own else -1)
        row.predicting.extend(range(start, len(row.ids)))
        if number == 0:
            start, past = trunk, slice(trunk, trunk)
        else:
            past = slice(trunk, trunk + own)
        if len(row.ids) > start:
            mask = _lower_right(len(row.ids) - start, head + past.stop - past.start, model)
            row.branches.append(Branch(start, len(row.ids), past, mask))


def _lower_right(tokens: int, past: int, model: PreTrainedModel) -> Tensor | None:
    """What `tokens` new positions may not see of `past` old ones and themselves: nothing but their own future."""
    if not past:
        return None
    return torch.full((tokens, past + tokens), float("-inf"), dtype=model.dtype, device=model.device).triu(past + 1)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,  # noqa: ARG001
    *,
    row: Row,
    scaling: float | None = None,
    **rest: Any,
) -> tuple[Tensor, None]:
    """Attention output `[1, tokens, heads, width]` of a packed row; the signature is transformers' own."""
    if any(rest.get(name) is not None for name in ("softcap", "sliding_window", "position_bias", "s_aux")):
        raise ValueError(f"the shared forms do not know the attention of {type(module).__name__}; use form=padded")
    layer: int = module.layer_idx  # pyright: ignore[reportAssignmentType]
    if row.kept is not None:
        row.kept[layer] = (key, value)
    before = row.head.layers[layer] if row.head else (key[:, :, :0], value[:, :, :0])
    outputs = []
    for branch in row.branches:
        own = slice(branch.start, branch.stop)
        keys, values = key[:, :, own], value[:, :, own]
        if branch.mask is not None:
            keys = torch.cat((before[0], key[:, :, branch.past], keys), 2)
            values = torch.cat((before[1], value[:, :, branch.past], values), 2)
        outputs.append(_attend_branch(query[:, :, own], keys, values, mask=branch.mask, scaling=scaling))
    return torch.cat(outputs, 2).transpose(1, 2).contiguous(), None


def _attend_branch(query: Tensor, key: Tensor, value: Tensor, *, mask: Tensor | None, scaling: float | None) -> Tensor:
    return scaled_dot_product_attention(
        query, key, value, attn_mask=mask, is_causal=mask is None, scale=scaling,
        enable_gqa=query.shape[1] != key.shape[1],
    )  # fmt: skip


@contextmanager
def _attention(model: PreTrainedModel, name: str) -> Iterator[None]:
    """Runs the model with another attention, and gives it its own back."""
    before = model.config._attn_implementation or "eager"
    model.set_attn_implementation(name)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


AttentionInterface.register(ATTENTION, attend)
