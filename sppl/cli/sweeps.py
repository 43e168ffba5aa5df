"""Runs a sweep: gives every job a folder and a record, finds jobs that are done, and starts the others."""

import logging
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from sppl.cli.app import StartedRun, compose_plain
from sppl.cli.composing import explain_mistake
from sppl.cli.errors import explain_error
from sppl.cli.jobs import UNBORN, Job, next_number
from sppl.cli.launching import adapt, make_importable, report_dead_workers
from sppl.cli.ledger import Ledger, forget_signatures
from sppl.cli.settings import check_config
from sppl.cli.slurm import slurm_arrays, slurm_ends
from sppl.schemas import UserError
from sppl.teachers.budget import reset_spent, sweep_name

log = logging.getLogger(__name__)

HERE = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
"""What plans the jobs of any sweep: no queue and no GPU is asked for a plan."""


def sweep(
    arguments: Sequence[str], largest: int | None, context: HydraContext, task: TaskFunction, config: DictConfig
) -> None:
    """Plans all jobs, starts those that are not done, and waits for them.

    Args:
        arguments: overrides, each with one value or several.
        largest: the largest batch of jobs the user wants.
        context: of Hydra, with what composes the configuration of a job.
        task: what runs one job.
        config: of the sweep.
    """
    loader = context.config_loader
    try:
        (points,) = BasicSweeper.split_arguments(OverridesParser.create(loader).parse_overrides([*arguments]), None)
        known = None if config.dry else Ledger.at(config.store, config.hydra.runtime.config_sources, config.reports)

        def composed_point(point: list[str]) -> Mapping[str, Any]:
            try:
                return check_config(loader.load_sweep_config(config, point))
            except HydraException as error:
                raise UserError(explain_mistake(error, point, compose_plain)) from None

        jobs = plan(StartedRun.folder, points, composed_point, known)
        for name in (one for job in jobs for one in job.artifacts.get("finetune", ()) if job.status == "done"):
            log.info("finetune: what was trained before is in %s", Path(config.store, name))
        StartedRun.first = int(jobs[0].folder.name)
        reset_spent(config.store, sweep_name(StartedRun.folder))
        if missing := [job for job in jobs if job.status != "done"]:
            given = {"_target_": HERE} if config.dry else OmegaConf.to_container(config.hydra.launcher, resolve=True)
            launcher: Any = given
            launcher, size = adapt(launcher, len(missing), largest, config.trainer.accelerator)
            own = config.copy()
            OmegaConf.update(own, "hydra.launcher", launcher, merge=False)
            made = Plugins.instance().instantiate_launcher(context, task, own)
            for result in start(missing, made, size, swept_settings(jobs)):
                _ = result.return_value  # raises what no job should raise
    except (OSError, UserError) as error:  # such as no room for the jobs' records
        sys.exit(explain_error(error) or str(error))


def plan(
    folder: Path,
    points: Iterable[Sequence[str]],
    compose: Callable[[list[str]], Mapping[str, Any]],
    ledger: Ledger | None,
) -> list[Job]:
    """Returns the jobs of a sweep and writes their records: `done`, as in the ledger, or `not started`.

    Args:
        folder: of the sweep; the jobs get the next free numbers in it.
        points: the overrides of every job.
        compose: returns the resolved configuration of a job with these overrides; not called for jobs the ledger finds.
        ledger: of jobs that are done; None: nothing counts as done.
    """
    forget_signatures()
    jobs = [Job(folder / str(number), list(point)) for number, point in enumerate(points, next_number(folder))]
    for job in jobs:
        if ledger is None or not ledger.find(job, compose):
            job.status, job.error, job.config = "not started", UNBORN, job.config or compose(job.overrides)
    for job in jobs:
        job.write()
    done = sum(job.status == "done" for job in jobs)
    log.info("sweep: %d of %d jobs are done already, %d to start", done, len(jobs), len(jobs) - done)
    return jobs


def swept_settings(jobs: Sequence[Job]) -> set[str]:
    """Returns the settings in which the jobs' overrides differ."""
    words = [set(job.overrides) for job in jobs]
    return {word.partition("=")[0] for word in set[str]().union(*words) if not all(word in one for one in words)}


def _name(job: Job, swept: Collection[str]) -> str:
    """The name of a job's run in loggers: the settings in which it differs from others, fit for a folder's name."""
    own = [word for word in job.overrides if word.partition("=")[0] in swept]
    return ",".join(re.sub(r"[^\w.=+-]+", "_", word)[:60] for word in own) or "job"


def start(jobs: Sequence[Job], launcher: Any, size: int, swept: Collection[str] = ()) -> list[Any]:
    """Starts jobs and waits for them; returns what the launcher says of those that came back.

    Jobs in a Slurm queue go on by themselves: where the wait is broken off, a line says how to cancel them. What Slurm
    says of a job that it ended is added to the job's record.

    Args:
        jobs: that are not done.
        launcher: Hydra's.
        size: how many of them the launcher gets at once.
        swept: the settings that jobs are named by.
    """
    results: list[Any] = []
    make_importable()
    try:
        for first in range(0, len(jobs), size):
            with report_dead_workers():
                overrides = [
                    [*job.overrides, f"hydra.sweep.subdir={job.folder.name}", f"hydra.job.name='{_name(job, swept)}'"]
                    for job in jobs[first:][:size]
                ]
                results += launcher.launch(overrides, initial_job_idx=first)
    except SystemExit:
        if arrays := slurm_arrays():
            log.error("Slurm goes on with the jobs of this sweep; to cancel them: scancel %s", " ".join(arrays))
        raise
    for job, end in zip(jobs, slurm_ends(), strict=False):
        job.lost(end)
    return results
