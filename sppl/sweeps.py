"""A sweep: every point gets a folder and a record, what is done already is found, and what is missing is started."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sppl.jobs import UNBORN, Job, next_number
from sppl.launching import batches, importable, slurm_arrays, slurm_ends, workers_may_die
from sppl.ledger import Ledger, fresh

log = logging.getLogger(__name__)


def plan(
    folder: Path,
    points: Iterable[Sequence[str]],
    compose: Callable[[list[str]], Mapping[str, Any]],
    ledger: Ledger | None,
) -> list[Job]:
    """The jobs of a sweep, each with its record written: `done`, as in the ledger, or `not started`.

    Args:
        folder: of the sweep; the jobs get the next free numbers in it.
        points: the overrides of every job.
        compose: the resolved configuration of a job with these overrides; asked only for those that have to be started.
        ledger: None: nothing counts as done.
    """
    fresh()
    jobs = [Job(folder / str(number), list(point)) for number, point in enumerate(points, next_number(folder))]
    for job in jobs:
        if ledger is None or not ledger.find(job):
            job.status, job.error, job.config = "not started", UNBORN, compose(job.overrides)
    for job in jobs:
        job.write()
    done = sum(job.status == "done" for job in jobs)
    log.info("sweep: %d of %d jobs are done already, %d to start", done, len(jobs), len(jobs) - done)
    return jobs


def start(jobs: Sequence[Job], launcher: Any, size: int | None, accelerator: str) -> list[Any]:
    """Starts the jobs that are not done and waits for them; returns what the launcher says of those that came back.

    Jobs in a Slurm queue go on without us: where the wait is broken off, a line says how to cancel them. What Slurm
    says of a job that it ended is added to the job's record.

    Args:
        jobs: of the sweep.
        launcher: Hydra's.
        size: the largest batch the user wants.
        accelerator: that the jobs work on.
    """
    missing = [job for job in jobs if job.status != "done"]
    results: list[Any] = []
    importable(launcher.task_function)
    try:
        for batch in batches(missing, launcher, size, accelerator):
            with workers_may_die():
                overrides = [[*job.overrides, f"hydra.sweep.subdir={job.folder.name}"] for job in batch]
                results += launcher.launch(overrides, initial_job_idx=missing.index(batch[0]))
    except SystemExit:
        if arrays := slurm_arrays():
            log.error("Slurm goes on with the jobs of this sweep; to cancel them: scancel %s", " ".join(arrays))
        raise
    for job, end in zip(missing, slurm_ends(), strict=False):
        job.lost(end)
    return results
