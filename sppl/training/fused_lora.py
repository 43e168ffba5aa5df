"""Runs a linear layer and its adapter as one function: five multiplications forward and back, and nothing else.

PEFT's own layer takes some twenty small operations per call, and a model has hundreds of such layers: in a small model
a step spends most of its time starting them. The adapter's weights stay in float32; they are multiplied in the dtype of
what comes in, as under autocast.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn


class LoraLinear(torch.autograd.Function):
    """x W^T + bias + scale (x A^T) B^T; gradients of x, A and B (arXiv 2106.09685), W and bias are frozen."""

    @staticmethod
    def forward(
        ctx: Any, given: Tensor, weight: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, scale: float
    ) -> Tensor:
        """Returns the layer's output, in the dtype it computes in."""
        kind = given.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else given.dtype
        rows, frozen = given.to(dtype).flatten(0, -2), weight.to(dtype)
        narrow = rows @ a.to(dtype).t()
        output = nn.functional.linear(rows, frozen, None if bias is None else bias.to(dtype))
        output.addmm_(narrow, b.to(dtype).t(), alpha=scale)
        ctx.save_for_backward(rows, narrow, weight, a, b)
        ctx.scale, ctx.shape, ctx.dtype = scale, given.shape, given.dtype
        return output.view(*given.shape[:-1], output.shape[-1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Returns the gradients, those of A and B in float32."""
        rows, narrow, weight, a, b = ctx.saved_tensors
        own = gradients[0].flatten(0, -2).to(rows.dtype)
        through_b = own @ (ctx.scale * b).to(rows.dtype)
        of_a = (through_b.t() @ rows).to(a.dtype)
        of_b = (own.t() @ narrow).to(b.dtype).mul_(ctx.scale)
        of_given = None
        if ctx.needs_input_grad[0]:
            of_given = own @ weight.to(rows.dtype)
            of_given = of_given.addmm_(through_b, a.to(rows.dtype)).view(ctx.shape).to(ctx.dtype)
        return of_given, None, None, of_a, of_b, None


@contextmanager
def fused_lora(model: nn.Module) -> Iterator[int]:
    """Within this block every plain adapter of a model runs as one function; yields how many there are.

    Left as they are: adapters with dropout or of another kind (DoRA, quantised layers), and models without adapters.
    """
    from peft.tuners.lora.layer import Linear

    changed: list[Any] = [part for part in model.modules() if type(part) is Linear and _plain(part)]
    for part in changed:
        part.forward = partial(_forward, part)
    try:
        yield len(changed)
    finally:
        for part in changed:
            del part.forward


def _plain(part: Any) -> bool:
    (name, *others) = part.active_adapters
    base = part.get_base_layer()
    return (
        not others
        and type(base) is nn.Linear
        and not base.weight.requires_grad
        and isinstance(part.lora_dropout[name], nn.Identity)
        and name not in part.lora_variant
        and part.lora_A[name].bias is None
        and part.lora_B[name].bias is None
    )


def _forward(part: Any, given: Tensor) -> Tensor:
    (name,) = part.active_adapters
    base, a, b = part.get_base_layer(), part.lora_A[name].weight, part.lora_B[name].weight
    apply: Callable[..., Tensor] = LoraLinear.apply
    return apply(given, base.weight, base.bias, a, b, part.scaling[name])
