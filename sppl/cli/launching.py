"""Prepares Hydra's launchers: settings that suit this machine, batches of jobs, workers that find the code."""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import psutil

from sppl.cli.sharing import share_machine
from sppl.cli.slurm import watch_the_queue
from sppl.packaged import PACKAGE
from sppl.schemas import UserError

log = logging.getLogger(__name__)

RUNS_IN = ("", "pool", "batches", "queue")
"""Where a launcher's jobs run, as its file in `conf/hydra/launcher` says; empty: one by one, in this process."""


def adapt(launcher: Mapping[str, Any], n_jobs: int, size: int | None, accelerator: str) -> tuple[dict[str, Any], int]:
    """Returns the launcher's settings without ours, and how many jobs it gets at once.

    Args:
        launcher: its configuration. Our settings in it: `_runs_in_`, which is `pool` (`n_jobs` workers of its own share
            this machine), `batches` (it starts at once whatever it gets, so it gets what this machine can take) or
            `queue` (Slurm's); and `per_gpu`, the jobs of a pool that share a GPU.
        n_jobs: of the sweep that are to be started.
        size: the largest batch the user wants.
        accelerator: that the jobs work on, as `trainer.accelerator` says it.

    Raises:
        UserError: `_runs_in_` is none of these.
    """
    settings = dict(launcher)
    runs_in, per_gpu = settings.pop("_runs_in_", ""), settings.pop("per_gpu", 1)
    if runs_in not in RUNS_IN:
        raise UserError(f"hydra.launcher._runs_in_={runs_in}: there are {', '.join(filter(None, RUNS_IN))}")
    if runs_in == "pool":
        settings["n_jobs"] = share_machine(n_jobs, settings["n_jobs"], accelerator, per_gpu)
    elif runs_in == "batches":
        size = share_machine(n_jobs, size or -1, accelerator)
    elif runs_in == "queue":
        watch_the_queue()
    return settings, size or max(1, n_jobs)


def check_launcher(target: str) -> str:
    """Returns what to install where the package of a launcher (a dotted class) is missing; empty if it is there."""
    try:
        if find_spec(target.rpartition(".")[0]):
            return ""
    except ModuleNotFoundError:
        pass
    return (
        f"the launcher {target} is not installed; it comes with the extra `slurm`: python -m pip install "
        "-c constraints.txt -e '.[slurm]'"
    )


def make_importable() -> None:
    """Lets workers import this package wherever the command was typed."""
    folder = str(PACKAGE.resolve().parent)
    known = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != folder]
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, *known])


@contextmanager
def report_dead_workers() -> Iterator[None]:
    """Within this block the death of a launcher's worker is reported in one line, once its other jobs have ended.

    joblib and submitit raise a RuntimeError for it; what a job itself raises never comes this way. A worker that joblib
    starts anew because it has grown by 300 MB is no accident, and its warning is not shown.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "A worker stopped while some jobs were given to the executor")
            yield
    except RuntimeError as error:
        log.error("the launcher lost a job: %s", " ".join(str(error).split())[:300])
        psutil.wait_procs([one for one in psutil.Process().children() if _works(one)])


def _works(process: psutil.Process) -> bool:
    """Whether a process is one of submitit's on this machine that has not ended yet."""
    try:
        return "submitit.local._local" in process.cmdline()
    except psutil.Error:
        return False
