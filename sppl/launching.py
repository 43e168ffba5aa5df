"""What job launchers leave to us: cores and GPUs that workers share, a Slurm queue without accounting."""

import getpass
import inspect
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import psutil
from filelock import FileLock, Timeout

from sppl.schemas import UserError

log = logging.getLogger(__name__)
T = TypeVar("T")

GPUS = "SPPL_GPUS"
"""Environment variable: the GPUs that the workers of this sweep share, as CUDA_VISIBLE_DEVICES says them."""
SHARERS = "SPPL_SHARERS"
"""Environment variable: how many workers share each of them; `sppl.hardware.device` keeps to its share of memory."""
GONE = "nothing of it any more"
FAILURES = {"BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "REVOKED", "TIMEOUT"}
OVER = {GONE, "COMPLETED", *FAILURES}
"""How Slurm says that a job will not run again."""
HINTS = {
    "OUT_OF_MEMORY": ": it needs more than hydra.launcher.mem_gb",
    "TIMEOUT": ": it needs more than hydra.launcher.timeout_min, or a larger hydra.launcher.max_num_timeout",
}
_held: list[FileLock] = []
"""The GPU this process claimed."""
_slurm: dict[str, str] = {}
"""The Slurm jobs of this sweep, and what Slurm last said of each."""


def batches(jobs: Sequence[T], launcher: Any, size: int | None, accelerator: str) -> list[Sequence[T]]:
    """The jobs as the launcher gets them, all at once unless it would start more than the machine or `size` allows.

    Args:
        jobs: of a sweep.
        launcher: Hydra's; joblib's is told how many workers to start, submitit's how to watch a Slurm queue.
        size: the largest batch the user wants.
        accelerator: that the jobs work on, as `trainer.accelerator` says it.
    """
    kind = type(launcher).__name__
    if kind == "JoblibLauncher":
        per_gpu = launcher.joblib.pop("per_gpu", 1)  # joblib itself does not know it
        launcher.joblib["n_jobs"] = share_machine(len(jobs), launcher.joblib["n_jobs"], accelerator, per_gpu)
    elif kind == "LocalLauncher":
        size = share_machine(len(jobs), size or -1, accelerator)
    elif kind == "SlurmLauncher":
        watch_the_queue()
    size = size or max(1, len(jobs))
    return [jobs[first : first + size] for first in range(0, len(jobs), size)]


def share_machine(n_jobs: int, wanted: int, accelerator: str, per_gpu: int = 1) -> int:
    """Divides this machine among workers that the launcher starts; returns how many should run at once.

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
    """Makes one GPU of those the sweep shares the only one this process sees; it is free again when the process ends.

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


@contextmanager
def workers_may_die() -> Iterator[None]:
    """A launcher whose worker was killed says so in one line, once no other job of it runs any more.

    joblib and submitit raise a RuntimeError for it; what a job itself raises never comes this way.
    """
    try:
        yield
    except RuntimeError as error:
        log.error("the launcher lost a job: %s", " ".join(str(error).split())[:300])
        psutil.wait_procs([one for one in psutil.Process().children() if _works(one)])


def _works(process: psutil.Process) -> bool:
    """Whether it is one of submitit's on this machine that has not ended yet."""
    try:
        return "submitit.local._local" in process.cmdline()
    except psutil.Error:
        return False


def importable(task: Callable[..., Any]) -> None:
    """Lets workers import the module of this function wherever the command was typed."""
    folder = str(Path(inspect.getfile(inspect.unwrap(task))).resolve().parent)
    known = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != folder]
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, *known])


@contextmanager
def last_timeout() -> Iterator[None]:
    """A Slurm job whose time was over once too often says so in a sentence.

    submitit handles Slurm's warning wherever the work is, puts the job back into the queue, or raises a RuntimeError.

    Raises:
        UserError: it did.
    """
    try:
        yield
    except RuntimeError as error:
        if type(error).__name__ != "UncompletedJobError":
            raise
        raise UserError(
            "its time (hydra.launcher.timeout_min) was over more often than hydra.launcher.max_num_timeout allows; the "
            "same command again goes on from its checkpoints"
        ) from None


def watch_the_queue() -> None:
    """Lets submitit ask `squeue` and not the accounting, without which it waits for a killed job for ever.

    A job is over once nothing of the sweep is in the queue any more, so that a dead one does not end the wait for the
    others; those with a result are over before.
    """
    from submitit.slurm.slurm import SlurmInfoWatcher, SlurmJob

    class Queue(SlurmInfoWatcher):
        def _make_command(self) -> list[str]:
            return ["squeue", "--noheader", "--array", "--states=all", f"--user={getpass.getuser()}", "--format=%i %T"]

        def read_info(self, string: bytes | str) -> dict[str, dict[str, str]]:
            text = string if isinstance(string, str) else string.decode()
            listed = dict(line.split() for line in text.splitlines() if line.strip())
            for job in self._registered:  # what is over leaves the list some minutes later
                _slurm[job] = listed.get(job) or (_slurm[job] if _slurm.get(job) in OVER else GONE)
            waiting = not all(state in OVER for state in _slurm.values())
            return {job: {"State": "RUNNING" if waiting else _slurm[job]} for job in self._registered}

    _slurm.clear()
    SlurmJob.watcher = Queue(delay_s=30)


def slurm_arrays() -> list[str]:
    """The numbers of this sweep's Slurm jobs, as `scancel` takes them; empty without Slurm."""
    return sorted({job.partition("_")[0] for job in _slurm}, key=int)


def slurm_ends() -> list[str]:
    """What Slurm last said of each of this sweep's jobs, in the order they were handed over; empty without Slurm."""
    arrays = {job.partition("_")[0] for job in _slurm if "_" in job}  # those are listed themselves, too
    numbers = {tuple(map(int, job.split("_"))): _slurm[job] for job in _slurm if job not in arrays}
    return [f"Slurm says {state}{HINTS.get(state, '')}" for _, state in sorted(numbers.items())]
