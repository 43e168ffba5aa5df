"""Shares a machine among the workers of a sweep: its cores as threads, its GPUs one each."""

import os
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

GPUS = "SPPL_GPUS"
"""Environment variable: the GPUs that the workers of this sweep share, as CUDA_VISIBLE_DEVICES says them."""
SHARERS = "SPPL_SHARERS"
"""Environment variable: how many workers share each of them; `sppl.hardware.device` keeps to its share of memory."""
_held: list[FileLock] = []
"""The GPU this process claimed."""


def share_machine(n_jobs: int, wanted: int, accelerator: str, per_gpu: int = 1) -> int:
    """Divides this machine among the workers of a launcher; returns how many should run at once.

    Every worker gets its share of the cores as threads (unless OMP_NUM_THREADS says otherwise), and with GPUs one of
    its own where there are enough (`claim_gpu`), or its share of one.

    Args:
        n_jobs: how many jobs there are.
        wanted: how many the user wants at once; -1: `per_gpu` per GPU, or without GPUs one per core.
        accelerator: `cpu`, `gpu` or `auto`.
        per_gpu: jobs that share a GPU and its memory.
    """
    gpus = [] if accelerator == "cpu" else _gpus()
    cores = len(os.sched_getaffinity(0))
    at_once = max(1, min(n_jobs, wanted if wanted > 0 else per_gpu * len(gpus) or cores))
    os.environ[GPUS] = ",".join(gpus)
    if gpus:
        os.environ[SHARERS] = str(-(-at_once // len(gpus)))
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // at_once)))
    return at_once


def claim_gpu(folder: Path) -> None:
    """Claims one of the sweep's GPUs, the only one this process then sees, until the process ends.

    Args:
        folder: of the sweep; the claims are locks in it.
    """
    gpus = [gpu for gpu in os.environ.get(GPUS, "").split(",") if gpu]
    if _held or not gpus:
        return
    for turn in count():  # with more workers than GPUs they share them evenly
        for gpu in gpus:
            lock = FileLock(folder / f".gpu-{gpu}-{turn}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            _held.append(lock)
            os.environ["CUDA_VISIBLE_DEVICES"] = gpu
            return


def _gpus() -> list[str]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [gpu for gpu in visible.split(",") if gpu]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]  # asks the driver; CUDA is not started here
