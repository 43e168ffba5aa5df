"""Watches a Slurm queue without accounting: when jobs are over, and why Slurm ended them."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

from sppl.schemas import UserError

GONE = "nothing of it any more"
FAILURES = {"BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "REVOKED", "TIMEOUT"}
OVER = {GONE, "COMPLETED", *FAILURES}
"""How Slurm says that a job will not run again."""
HINTS = {
    "OUT_OF_MEMORY": ": it needs more than hydra.launcher.mem_gb",
    "TIMEOUT": ": it needs more than hydra.launcher.timeout_min, or a larger hydra.launcher.max_num_timeout",
}
_slurm: dict[str, str] = {}
"""The Slurm jobs of this sweep, and what Slurm last said of each."""


def watch_the_queue() -> None:
    """Lets submitit ask `squeue` instead of the accounting, without which it would wait for a killed job forever.

    A job without a result counts as over once nothing of the sweep is in the queue any more, so that a dead job does
    not end the wait for the others.
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
    """Returns the numbers of this sweep's Slurm jobs, as `scancel` takes them; empty without Slurm."""
    return sorted({job.partition("_")[0] for job in _slurm}, key=int)


def slurm_ends() -> list[str]:
    """Returns what Slurm last said of each of this sweep's jobs, in the order of their start; empty without Slurm."""
    arrays = {job.partition("_")[0] for job in _slurm if "_" in job}  # those are listed themselves, too
    numbers = {tuple(map(int, job.split("_"))): _slurm[job] for job in _slurm if job not in arrays}
    return [f"Slurm says {state}{HINTS.get(state, '')}" for _, state in sorted(numbers.items())]


@contextmanager
def last_timeout() -> Iterator[None]:
    """Within this block a Slurm job that ran out of time too often ends with a sentence.

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
