"""The plan of a sweep: every point gets a folder and a record, and what is done already is found."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sppl.jobs import UNBORN, Job, next_number
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
