"""What the machine under a measurement can do and has used: memory, finished work, multiplications per second."""

import ctypes
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

CLEAR_PEAK = Path("/proc/self/clear_refs")
T = TypeVar("T")


def peak_of(run: Callable[[], T], device: torch.device) -> tuple[T, float]:
    """What a run returns, and by how many MB it made the device's memory (on a CPU: the process) grow at most."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        result = run()
        return result, (torch.cuda.max_memory_allocated() - before) / 2**20
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # or memory that an earlier method freed counts as there already
    CLEAR_PEAK.write_text("5")
    before = _status("VmRSS")
    result = run()
    return result, (_status("VmHWM") - before) / 1024


def seconds_of(run: Callable[[], object], device: torch.device) -> float:
    """Wall time of a run, work still queued on the device included."""
    _wait(device)
    begun = time.perf_counter()
    run()
    _wait(device)
    return time.perf_counter() - begun


def peak_flops(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations per second of one large square product, the best of some: measured, not advertised."""
    size = 8192 if device.type == "cuda" else 1536
    one, other = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    seconds = [seconds_of(lambda: one @ other, device) for _ in range(8)]
    return 2 * size**3 / min(seconds[1:])


def median_ratio(slow: list[float], fast: list[float]) -> float:
    """Median of the ratios within each round."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))
