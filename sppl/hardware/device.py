"""Puts models on devices, and records device facts for the provenance."""

import os
import resource
from functools import lru_cache
from typing import Any, TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)

SHARERS = "SPPL_SHARERS"
"""Environment variable: how many processes share the GPU, each with its part of the memory (`sppl.cli.sharing`)."""


def place(model: M, device: torch.device) -> M:
    """Moves a model's weights to a device and returns it; it stays there until it is placed elsewhere.

    Raises:
        OutOfMemoryError: they do not fit; torch's own error.
    """
    held = next(iter(model.parameters()), None)
    if held is not None and held.device != device:
        if device.type == "cuda":
            _keep_to_share(device)
        model.to(device)
    return model


def memory_for_work(model: nn.Module, device: torch.device) -> int:
    """Returns the bytes of a GPU that are left beside the model's weights, however full it is at the moment.

    What other processes hold is ignored on purpose: a plan that depended on it would not be found again.
    """
    weights = sum(part.numel() * part.element_size() for part in [*model.parameters(), *model.buffers()])
    return max(0, torch.cuda.get_device_properties(device).total_memory // _sharers() - weights)


def _sharers() -> int:
    return int(os.environ.get(SHARERS) or 1)


@lru_cache(maxsize=8)
def _keep_to_share(device: torch.device) -> None:
    """Limits this process to its share of the GPU's memory."""
    if _sharers() > 1:
        torch.cuda.set_per_process_memory_fraction(1 / _sharers(), device)


class DeviceFacts:
    """The device and the peak memory of a piece of work, measured from when this object is made.

    Args:
        model: the model, whose dtype is recorded.
        device: the device it works on.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self.device, self.dtype = device, next(iter(model.parameters())).dtype
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def notes(self) -> dict[str, Any]:
        """Returns device name, weights' dtype and peak memory in MiB (on a CPU the process's), for the provenance."""
        if self.device.type == "cuda":
            name, peak = torch.cuda.get_device_name(self.device), torch.cuda.max_memory_allocated(self.device)
        else:
            name, peak = "cpu", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return {"device": name, "dtype": str(self.dtype).removeprefix("torch."), "peak_memory_mib": peak >> 20}
