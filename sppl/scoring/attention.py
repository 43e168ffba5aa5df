"""Attention in packed rows, in three ways with equal results; the device alone decides which one is used.

On a CPU every segment is a call of its own, which computes no pair of tokens that do not see each other. On a GPU a
call costs more than a short response's arithmetic, so there the number of calls does not depend on the number of
segments: in 16 bits the levels of a row (each segment by itself, its prefix, the prefix cache) are one flash call each,
merged by their normalisers; in float32, for which there is no such kernel, one call with a dense mask.

Measured on an H100 with SmolLM2's shape, 136,000 tokens (`experiments/scoring_speed`): levels .46 s, FlexAttention
.75 s, padded rows .84 s, dense masks 1.14 s, a call per segment 5.3 s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention.varlen import AuxRequest, varlen_attn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

ATTENTION = "sppl_packed"
"""The name of `attend` among transformers' attention implementations."""

GROUPED: dict[str, Any] = {"enable_gqa": True} if "enable_gqa" in signature(varlen_attn).parameters else {}
"""Fewer heads of keys than of queries are taken as they are by torch 2.11, and have to be announced to later ones."""

FLASH_WIDTH = 256
"""The widest head a flash kernel takes; it must also be a multiple of 8."""


class Segment(NamedTuple):
    """Tokens `start:stop` of a row: they see the prefix cache, `past` (a span of the row) and, causally, themselves."""

    start: int
    stop: int
    past: slice


@dataclass(frozen=True)
class Layout:
    """Which tokens of a row see which others.

    Args:
        segments: in the row's order, without gaps; those with the same past follow each other.
        cached: keys and values `[1, heads, tokens, width]` of the prefix cache by layer; empty without one.
        keep: filled with the row's own keys and values by layer, where it becomes a prefix cache.
    """

    segments: Sequence[Segment]
    cached: dict[int, tuple[Tensor, Tensor]]
    keep: dict[int, tuple[Tensor, Tensor]] | None = None

    @cached_property
    def n_cached(self) -> int:
        """Tokens of the prefix cache."""
        return next((keys.shape[2] for keys, _ in self.cached.values()), 0)

    @cached_property
    def _on_device(self) -> dict[tuple[str, torch.device], Any]:
        return {}

    def mask(self, device: torch.device) -> Tensor:
        """Returns the mask `[tokens, cached + tokens]` of which tokens see which, made once for all layers."""
        key = ("mask", device)
        if key not in self._on_device:
            self._on_device[key] = _mask(self.segments, self.n_cached, device)
        return self._on_device[key]

    def levels(self, device: torch.device) -> list["Level"]:
        """Returns the flash calls that make up the row's attention, made once for all layers."""
        key = ("levels", device)
        if key not in self._on_device:
            self._on_device[key] = _levels(self.segments, self.n_cached, device)
        return self._on_device[key]


class Spans(NamedTuple):
    """Which tokens take part, and where each of their sequences ends."""

    index: Tensor | None
    """Places in the row; None for all of it, or for all of the prefix cache."""
    ends: Tensor
    """Cumulative lengths, int32, the first 0."""
    longest: int


class Level(NamedTuple):
    """One flash call: sequences of queries, each over its own sequence of keys."""

    queries: Spans
    keys: Spans
    causal: bool = False
    cached: bool = False


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,  # noqa: ARG001
    *,
    layout: Layout,
    scaling: float | None = None,
    **rest: Any,
) -> tuple[Tensor, None]:
    """Returns the attention output `[1, tokens, heads, width]` of a packed row; the signature is transformers' own.

    Raises:
        ValueError: the model's attention is more than a softmax over the tokens it may see.
    """
    if any(rest.get(name) is not None for name in ("softcap", "sliding_window", "position_bias", "s_aux")):
        raise ValueError(f"packed rows do not know the attention of {type(module).__name__}; use form=padded")
    layer: int = module.layer_idx  # pyright: ignore[reportAssignmentType]
    if layout.keep is not None:
        layout.keep[layer] = (key, value)
    cached = layout.cached.get(layer) or (key[:, :, :0], value[:, :, :0])
    run = {"per_segment": per_segment, "levels": by_levels, "masked": masked}[kernel(query)]
    return run(query, key, value, cached=cached, layout=layout, scaling=scaling), None


def kernel(query: Tensor) -> str:
    """Returns the name of the way to compute attention for tensors like this one."""
    if query.device.type == "cpu":
        return "per_segment"
    flash = query.dtype in (torch.float16, torch.bfloat16) and query.shape[-1] <= FLASH_WIDTH
    return "levels" if flash and query.shape[-1] % 8 == 0 else "masked"


def head_width(config: Any) -> int:
    """Returns the width of an attention head of a text model."""
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def per_segment(
    query: Tensor, key: Tensor, value: Tensor, *, cached: tuple[Tensor, Tensor], layout: Layout, scaling: float | None
) -> Tensor:
    """Computes attention with a call per segment, over the tokens it sees and no others."""
    outputs = []
    for start, stop, past in layout.segments:
        own = slice(start, stop)
        keys, values, mask = key[:, :, own], value[:, :, own], None
        if seen := layout.n_cached + past.stop - past.start:
            keys = torch.cat((cached[0], key[:, :, past], keys), 2)
            values = torch.cat((cached[1], value[:, :, past], values), 2)
            hidden = torch.full((stop - start, seen + stop - start), float("-inf"), dtype=query.dtype)
            mask = hidden.to(query.device).triu(seen + 1)
        outputs.append(
            scaled_dot_product_attention(
                query[:, :, own], keys, values, attn_mask=mask, is_causal=mask is None, scale=scaling,
                enable_gqa=query.shape[1] != key.shape[1],
            )
        )  # fmt: skip
    return torch.cat(outputs, 2).transpose(1, 2).contiguous()


def masked(
    query: Tensor, key: Tensor, value: Tensor, *, cached: tuple[Tensor, Tensor], layout: Layout, scaling: float | None
) -> Tensor:
    """Computes attention with one masked call over the whole row and the prefix cache."""
    keys, values = (torch.cat((before, own), 2) for before, own in zip(cached, (key, value), strict=True))
    groups = query.shape[1] // key.shape[1]
    if groups > 1:  # the kernels that take a mask want as many heads of keys as of queries
        keys, values = keys.repeat_interleave(groups, 1), values.repeat_interleave(groups, 1)
    mask = layout.mask(query.device)
    return scaled_dot_product_attention(query, keys, values, attn_mask=mask, scale=scaling).transpose(1, 2).contiguous()


def by_levels(
    query: Tensor, key: Tensor, value: Tensor, *, cached: tuple[Tensor, Tensor], layout: Layout, scaling: float | None
) -> Tensor:
    """Computes attention with one flash call per level of the row, and merges them."""
    queries, keys, values = (part[0].transpose(0, 1) for part in (query, key, value))
    before = tuple(part[0].transpose(0, 1) for part in cached)
    first, *others = layout.levels(query.device)

    def run(level: Level) -> tuple[Tensor, Tensor]:
        seen = before if level.cached else (keys, values)
        output, norm = varlen_attn(
            _taken(queries, level.queries), _taken(seen[0], level.keys), _taken(seen[1], level.keys),
            level.queries.ends, level.keys.ends, level.queries.longest, level.keys.longest,
            window_size=(-1, 0) if level.causal else (-1, -1), scale=scaling, return_aux=AuxRequest(lse=True),
            **GROUPED,
        )  # fmt: skip
        return output, norm.t()[:, :, None]

    output, norm = run(first)
    for level in others:
        further, its_norm = run(level)
        place = slice(None) if level.queries.index is None else level.queries.index
        # attention over two sets of keys lies between that over each, by the shares of their sums of exponentials
        share = torch.sigmoid(its_norm - norm[place]).to(output.dtype)
        output[place] = torch.lerp(output[place], further, share)
        norm[place] = torch.logaddexp(norm[place], its_norm)
    return output[None]


def _taken(part: Tensor, spans: Spans) -> Tensor:
    return part if spans.index is None else part[spans.index]


def _mask(segments: Sequence[Segment], n_cached: int, device: torch.device) -> Tensor:
    counts = torch.tensor([stop - start for start, stop, _ in segments])

    def per_token(values: list[int]) -> Tensor:
        return torch.tensor(values).repeat_interleave(counts).to(device)[:, None]

    starts = per_token([start for start, _, _ in segments])
    begun, ended = (per_token([getattr(past, side) for _, _, past in segments]) for side in ("start", "stop"))
    rows = torch.arange(len(starts), device=device)[:, None]
    columns = torch.arange(-n_cached, len(starts), device=device)
    return (columns < 0) | ((columns >= begun) & (columns < ended)) | ((columns >= starts) & (columns <= rows))


def _levels(segments: Sequence[Segment], n_cached: int, device: torch.device) -> list[Level]:
    own = _spans([(start, stop) for start, stop, _ in segments], device, everything=True)
    found = [Level(own, own, causal=True)]
    blocks: list[tuple[slice, int, int]] = []
    for start, stop, past in segments:
        if past.start == past.stop:
            continue
        if blocks and blocks[-1][0] == past and blocks[-1][2] == start:
            blocks[-1] = (past, blocks[-1][1], stop)
        else:
            blocks.append((past, start, stop))
    if blocks:
        queries = _spans([(start, stop) for _, start, stop in blocks], device)
        keys = _spans([(past.start, past.stop) for past, _, _ in blocks], device)
        found.append(Level(queries, keys))
    if n_cached:
        every = _spans([(0, segments[-1].stop)], device, everything=True)
        found.append(Level(every, _spans([(0, n_cached)], device, everything=True), cached=True))
    return found


def _spans(spans: Sequence[tuple[int, int]], device: torch.device, *, everything: bool = False) -> Spans:
    lengths = torch.tensor([0, *(stop - start for start, stop in spans)])
    index = None if everything else torch.cat([torch.arange(start, stop) for start, stop in spans]).to(device)
    return Spans(index, lengths.cumsum(0, dtype=torch.int32).to(device), int(lengths.max()))


AttentionInterface.register(ATTENTION, attend)
