"""Tries on a model whether examples in one row do not see each other.

Attention that is full or sliding keeps them apart by their positions, which start anew. What keeps a state, convolves,
or numbers positions by itself does not, and says nothing about it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from sppl.models.loading import body_of
from sppl.models.trial import try_model
from sppl.training.batches import Example, collate

ROWS = (
    ((1005, 1106, 1207, 1308, 1409), (1510, 1611, 1712, 1813)),
    ((1914, 2015, 2116), (2217, 2318, 2419, 2520, 2621)),
    ((2722, 2823, 2924, 3025, 3126), (3227, 3328, 3429, 3530)),
)
"""Prompts and responses of the trial, of ordinary tokens. The third, which takes the place of the first, is as long:
the same shapes round alike, so that in 16 bits a difference is a leak."""


def packs(model: Any) -> bool:
    """Whether packed examples have the same states as when each has a row of its own.

    Also whether an example's states stay as they are when the one before it is another, which shows a leak in 16 bits,
    too.
    """
    size = model.config.get_text_config().vocab_size
    first, second, other = (
        Example(str(number), *(tuple(token % size for token in part) for part in row))
        for number, row in enumerate(ROWS)
    )
    double = model.dtype in (torch.float32, torch.float64)
    alike, untouched = (1e-4, 1e-5) if double else (5e-2, 1e-3)
    n = len(second.response)

    def trial() -> tuple[Tensor, Tensor, Tensor]:
        with _still(model), torch.inference_mode():
            apart, packed = _states(model, [[first], [second]]), _states(model, [[first, second]], packed=True)
            return apart, packed, _states(model, [[other, second]], packed=True)[-n:]

    found = try_model(model, "packed rows", trial)
    if found is None:
        return False
    apart, packed, behind = found
    return _near(packed, apart, alike) and _near(behind, packed[-n:], untouched)


def _states(model: Any, rows: list[list[Example]], *, packed: bool = False) -> Tensor:
    batch = collate(rows, 1, packed=packed)
    ids, positions = batch["input_ids"].to(model.device), batch["position_ids"]
    positions = None if positions is None else positions.to(model.device)
    hidden = body_of(model)(input_ids=ids, position_ids=positions, use_cache=False).last_hidden_state
    return hidden.flatten(0, 1)[batch["where"].to(model.device)].float()


@contextmanager
def _still(model: Any) -> Iterator[None]:
    """Within this block there is no dropout, and on a CPU no kernel that only GPUs have."""
    training, attention = model.training, model.config._attn_implementation
    away = model.device.type == "cpu" and "flash" in (attention or "")
    model.eval()
    if away:
        model.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        model.train(training)
        if away:
            model.set_attn_implementation(attention)


def _near(one: Tensor, other: Tensor, tolerance: float) -> bool:
    return bool((one - other).norm() <= tolerance * other.norm())
