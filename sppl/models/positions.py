"""Rotary embeddings that change with the length of what is read, so that rows of other lengths cannot share a pass."""

from collections.abc import Callable, Mapping
from typing import Any

from transformers import PreTrainedConfig, PreTrainedModel

LENGTH_DEPENDENT = ("dynamic", "longrope")
"""Rotary embeddings that change with the longest position of a pass."""


def same_positions(config: PreTrainedConfig) -> Callable[[int], tuple[int, ...]]:
    """Returns a function of a row's length that is equal for rows with equal rotary embeddings; () for most models."""
    given = getattr(config, "rope_parameters", None) or {}
    each = [given] if "rope_type" in given else [part for part in given.values() if isinstance(part, Mapping)]
    changing = [part for part in each if part.get("rope_type") in LENGTH_DEPENDENT]

    def of(length: int) -> tuple[int, ...]:
        return tuple(
            int(length > part["original_max_position_embeddings"])  # one of two sets of factors
            if part["rope_type"] == "longrope"
            else max(length, config.max_position_embeddings)  # a base that grows with the length
            for part in changing
        )

    return of


def forget_lengths(model: PreTrainedModel) -> None:
    """Sets `dynamic` rotary embeddings back, which otherwise keep the base of the longest row they have seen."""
    module: Any
    for module in model.modules():
        if getattr(module, "rope_type", None) == "dynamic":
            module.inv_freq = module.original_inv_freq.to(module.inv_freq.device)
            module.max_seq_len_cached = module.original_max_seq_len
