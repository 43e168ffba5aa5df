"""Composes the configuration with Hydra, and runs the stages of one job.

Sweeps go through `hydra_plugins/sppl_sweeper.py`, where Hydra finds our sweeper.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import hydra
from hydra import compose, initialize_config_dir
from hydra._internal.utils import run_and_report
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from sppl.cli.command_line import command_line
from sppl.cli.composing import explain_mistake
from sppl.cli.settings import as_plain, check_config
from sppl.models.own_folder import read_own_model
from sppl.packaged import conf, in_checkout

OmegaConf.register_new_resolver("checkout", in_checkout, replace=True)
OmegaConf.register_new_resolver("own_model", read_own_model, replace=True)


FULL_ERROR = "HYDRA_FULL_ERROR"
OWN = "sppl.benchmarks.definition.own"
"""What makes a benchmark of a user's own files."""


class StartedRun(Callback):
    """Remembers the run or sweep that Hydra started, for the summary that is made once Hydra is done."""

    config: ClassVar[DictConfig | None] = None
    folder: ClassVar[Path]
    first: ClassVar[int] = 0
    """The number of the sweep's first job."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Keeps the configuration and folder of a single run."""
        check_config(config, "run")
        StartedRun.config, StartedRun.folder, StartedRun.first = config, Path(config.hydra.run.dir), 0

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Keeps the configuration and folder of a sweep."""
        check_config(config, "sweep")
        StartedRun.config, StartedRun.folder = config, Path(config.hydra.sweep.dir)


def compose_and_run() -> None:
    """Runs the job or the sweep that was typed; Hydra ends the process where a job failed.

    Raises:
        UserError: what was typed makes no configuration.
    """
    StartedRun.config, StartedRun.first = None, 0
    drop_launcher_schemas()
    error = _run_and_catch()
    if StartedRun.config is None and isinstance(error, HydraException | OmegaConfBaseException | ValueError):
        from sppl.schemas import UserError  # loads pandas, which --cfg does without

        raise UserError(explain_mistake(error, command_line()[1:], compose_plain))
    if error is not None:

        def again() -> None:
            raise error

        run_and_report(again)


def _run_and_catch() -> Exception | None:
    """Runs Hydra; returns the error for which it would otherwise print a message and end the process."""
    before = os.environ.get(FULL_ERROR)
    os.environ[FULL_ERROR] = "1"
    try:
        run_one_job()
    except Exception as error:  # noqa: BLE001 - all of it is raised again, or told, by the caller
        return error
    finally:
        if before is None:
            del os.environ[FULL_ERROR]
    return None


def compose_plain(words: Sequence[str]) -> dict[str, Any]:
    """Returns the configuration that these words make, as plain data whose references are not resolved."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf()), version_base="1.3"):
        return as_plain(compose("config", list(words)), resolve=False)


def drop_launcher_schemas() -> None:
    """Removes the launchers' own default settings where one of our files has the same name and replaces them."""
    Plugins.instance()  # finds the launchers
    for name in ("joblib", "submitit_local"):
        ConfigStore.instance().repo["hydra"]["launcher"].pop(f"{name}.yaml", None)


@hydra.main(version_base="1.3", config_path=str(conf()), config_name="config")
def run_one_job(cfg: DictConfig) -> None:
    """Runs the stages of one job and keeps `job.json` in its folder, whatever happens."""
    from sppl.cli.choices import refuse_empty_lists
    from sppl.cli.errors import report_errors
    from sppl.cli.interrupts import stop_on_signals
    from sppl.cli.jobs import Job
    from sppl.cli.ledger import Ledger, key_of
    from sppl.cli.running import run_stages
    from sppl.cli.sharing import claim_gpu
    from sppl.cli.sizes import fit_sizes
    from sppl.cli.slurm import last_timeout
    from sppl.teachers.budget import sweep_name

    settings = HydraConfig.get()
    folder = Path(settings.runtime.output_dir)
    key = key_of(cfg)
    cfg.run_dir = str(folder)
    cfg.group = (folder.parent if settings.mode == RunMode.MULTIRUN else folder).name
    if settings.mode == RunMode.MULTIRUN:
        cfg.sweep = sweep_name(folder.parent)
        cfg.job_name = settings.job.name if cfg.job_name == "job" else cfg.job_name
        claim_gpu(folder.parent)
    job = Job(folder, list(settings.overrides.task))
    with report_errors(job.failed):
        refuse_empty_lists(cfg)
        if cfg.benchmark._target_ == OWN:
            fit_sizes(cfg, instantiate(cfg.benchmark.questions), settings.overrides.task)
        job.config = as_plain(cfg)
        job.write()
        with stop_on_signals(), last_timeout():  # here too: a launcher's worker process runs nothing but this function
            job.done(run_stages(cfg, job))
        if not cfg.dry:
            Ledger.at(cfg.store, settings.runtime.config_sources).remember(job, key)
