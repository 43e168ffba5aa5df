"""The one place that puts a model on a device, and the facts about it that stand beside what it made."""

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
    """The model, its weights on the device; it stays there until it is placed elsewhere.

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
    """Bytes of a GPU that are left beside the weights of the model, however full it is at the moment.

    What others hold at the moment is left out on purpose: a plan that depends on it would not be found again.
    """
    weights = sum(part.numel() * part.element_size() for part in [*model.parameters(), *model.buffers()])
    return max(0, torch.cuda.get_device_properties(device).total_memory // _sharers() - weights)


def _sharers() -> int:
    return int(os.environ.get(SHARERS) or 1)


@lru_cache(maxsize=8)
def _keep_to_share(device: torch.device) -> None:
    """Lets this process run out of memory before it takes what others on the GPU were promised."""
    if _sharers() > 1:
        torch.cuda.set_per_process_memory_fraction(1 / _sharers(), device)


class DeviceFacts:
    """What a piece of work ran on and held at most; begun when made.

    Args:
        model: whose dtype counts.
        device: where it works.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self.device, self.dtype = device, next(iter(model.parameters())).dtype
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def notes(self) -> dict[str, Any]:
        """For the provenance: the device by name, the weights' dtype, peak memory in MiB (on a CPU the process's)."""
        if self.device.type == "cuda":
            name, peak = torch.cuda.get_device_name(self.device), torch.cuda.max_memory_allocated(self.device)
        else:
            name, peak = "cpu", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return {"device": name, "dtype": str(self.dtype).removeprefix("torch."), "peak_memory_mib": peak >> 20}
