"""Runs what the configuration says: job stages, one job per point of a sweep, then rank and report over all of them.

Only hydra is imported at the top, so `--help` and `--cfg job` answer at once.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: spinning thread pools on a shared CPU collapse
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("WANDB_SILENT", "true")

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.experimental.callback import Callback
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, RunMode, TaskFunction
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

log = logging.getLogger("run")

CONF = Path(__file__).with_name("conf").resolve()


class Begun(Callback):
    """Keeps what was begun, for the summary after Hydra is done."""

    config: ClassVar[DictConfig | None] = None
    folder: ClassVar[Path]
    first: ClassVar[int] = 0  # the number of the sweep's first job

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Keeps the configuration and folder of a single run."""
        checked(config, "run")
        Begun.config, Begun.folder, Begun.first = config, Path(config.hydra.run.dir), 0

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Keeps those of a sweep, and gives it to our sweeper: Hydra takes one only by a name of its own packages."""
        checked(config, "sweep")
        Begun.config, Begun.folder = config, Path(config.hydra.sweep.dir)
        Plugins.instance().class_name_to_class["hydra._internal.core_plugins.basic_sweeper.BasicSweeper"] = Sweep


class Sweep(Sweeper):
    """Expands what was typed like Hydra's own sweeper, but starts only what is not done, and reuses no job's folder."""

    def __init__(self, max_batch_size: int | None = None, params: Mapping[str, str] | None = None) -> None:
        self.max_batch_size, self.params = max_batch_size, params or {}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Takes what Hydra composed, and the launcher that was chosen."""
        self.cfg, self.loader = config, hydra_context.config_loader
        self.jobs = Plugins.instance().instantiate_launcher(hydra_context, task_function, config)

    def sweep(self, arguments: list[str]) -> None:
        """Plans all jobs, starts those that are missing, and waits for them."""
        from sppl.refusals import sentence_of

        try:
            self._sweep(arguments)
        except OSError as error:  # no room for the jobs' records and configurations
            sys.exit(sentence_of(error) or str(error))

    def _sweep(self, arguments: list[str]) -> None:
        from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

        from sppl.ledger import Ledger
        from sppl.sweeps import plan, start
        from sppl.teachers.budget import count_anew, sweep_name

        typed = [*(f"{key}={value}" for key, value in self.params.items()), *arguments]
        (points,) = BasicSweeper.split_arguments(OverridesParser.create(self.loader).parse_overrides(typed), None)
        known = None if self.cfg.dry else Ledger.at(self.cfg.store, self.cfg.hydra.runtime.config_sources)
        jobs = plan(Begun.folder, points, lambda point: checked(self.loader.load_sweep_config(self.cfg, point)), known)
        Begun.first = int(jobs[0].folder.name)
        count_anew(self.cfg.store, sweep_name(Begun.folder))
        for result in start(jobs, self.jobs, self.max_batch_size, self.cfg.trainer.accelerator):
            _ = result.return_value  # raises what no job should raise


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def main(cfg: DictConfig) -> None:
    """One job: runs its stages and keeps `job.json` in its folder, whatever happens."""
    from sppl.interrupts import stoppable
    from sppl.jobs import Job
    from sppl.launching import claim_gpu, last_timeout
    from sppl.ledger import Ledger
    from sppl.refusals import refuse_empty_lists, told
    from sppl.teachers.budget import sweep_name

    settings = HydraConfig.get()
    folder = Path(settings.runtime.output_dir)
    cfg.run_dir = str(folder)
    cfg.group = (folder.parent if settings.mode == RunMode.MULTIRUN else folder).name
    if settings.mode == RunMode.MULTIRUN:
        cfg.sweep = sweep_name(folder.parent)
        claim_gpu(folder.parent)
    job = Job(folder, list(settings.overrides.task))
    with told(job.failed):
        refuse_empty_lists(cfg, CONF)
        job.config = plain(cfg)
        job.write()
        with stoppable(), last_timeout():  # here too: a launcher's worker process runs nothing but this function
            job.done(run_job(cfg))
        if not cfg.dry:
            Ledger.at(cfg.store, settings.runtime.config_sources).remember(job)


def run_job(cfg: DictConfig) -> dict[str, list[str]]:
    """Runs the job stages in their order; returns the names of the leaves each found or made."""
    from sppl.jobs import stages
    from sppl.store import InProgress, MissingArtefact, Store

    store = Store(cfg.store, config=plain(cfg))
    calls = {name: stage_call(cfg, name) for name in stages(cfg, "job")}
    leaves: dict[str, list[str]] = {}
    news = False
    for name, call in calls.items():
        plan = call(store=store, dry=True)
        news = news or bool(plan.to_make)
        log.info(plan.line(name))
    if cfg.dry or not calls:
        return leaves
    if news and cfg.trainer.accelerator == "gpu":
        _ = instantiate(cfg.trainer).device  # a machine without one is told so before any work
    if not news and list(cfg.get("logger") or {}) == ["csv"]:  # it would load Lightning to say what was said before
        cfg.logger = {}
    with open_loggers(cfg) as loggers:
        later = dict[str, Callable[..., Any]]()
        for name, call in calls.items():
            try:
                plan = call(store=replace(store, wait=False), loggers=loggers)
            except InProgress as busy:
                log.info("%s: another process is making %s; going on with other work meanwhile", name, busy)
                later[name] = call
            except MissingArtefact:
                if not later:
                    raise
                later[name] = call  # what it needs may be what is in progress
            else:
                leaves[name] = [*plan.found, *plan.to_make]
        for name, call in later.items():
            plan = call(store=store, loggers=loggers)
            leaves[name] = [*plan.found, *plan.to_make]
    return {name: leaves[name] for name in calls}


def summarise(begun: DictConfig, folder: Path) -> bool:
    """Runs rank per benchmark and target, and report once, over all jobs of the folder; True if all went well."""
    from sppl.jobs import jobs_in, ranked_together, stages
    from sppl.ledger import Ledger
    from sppl.store import Store

    known = Ledger.at(begun.store, begun.hydra.runtime.config_sources).components(*sys.argv)
    jobs = jobs_in(folder, Begun.first, known)
    gaps = [job.gap() for job in jobs if job.status != "done"]
    for gap in gaps:
        log.error("%s: %s: %s", gap["status"], gap["job"], gap["error"])
    done = [job for job in jobs if job.status == "done"]
    if not done or not stages(done[0].config, "sweep"):
        return bool(jobs) and not gaps
    first = done[0].config
    store = Store(first["store"], config=first)
    rankings: list[str] = []
    with open_loggers(begun, folder) as loggers:
        for arguments in ranked_together(done) if "rank" in first["stage"] else []:
            call = instantiate(arguments, _partial_=True, _convert_="all")
            log.info(call(store=store, dry=True).line("rank"))
            if not first["dry"]:
                plan = call(store=store, loggers=loggers)
                rankings.append([*plan.found, *plan.to_make][-1])
        if "report" in first["stage"] and not first["dry"]:
            results = dict.fromkeys(name for job in jobs for name in job.leaves.get("benchmark", []))
            call = stage_call(first, "report")
            call(store=store, rankings=rankings, results=list(results), gaps=gaps, loggers=loggers)
    return not gaps


def stage_call(cfg: Mapping[Any, Any], name: str) -> Callable[..., Any]:
    """The stage function with its arguments filled in."""
    return instantiate(cfg["stage"][name], _partial_=True, _convert_="all")


def plain(cfg: DictConfig, resolve: bool = True) -> dict[str, Any]:
    """The resolved configuration without Hydra's own part."""
    ours = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    return OmegaConf.to_container(ours, resolve=resolve)  # pyright: ignore[reportReturnType]


def checked(cfg: DictConfig, place: str = "") -> dict[str, Any]:
    """What `plain` says, if it can be resolved; ends the process if it must not be written down, or has no `place`."""
    from sppl.keys import key_in
    from sppl.refusals import relaunching, sentence_of, uninstalled, unplaceable, unwritable

    try:
        found = plain(cfg)
        refused = unwritable(found) or relaunching(found)
    except OmegaConfBaseException:
        found, refused = {}, key_in(plain(cfg, resolve=False))
        try:
            OmegaConf.select(cfg, "name")
        except OmegaConfBaseException as error:  # other than that the job itself says what is wrong
            refused = refused or sentence_of(error)
    refused = refused or uninstalled(cfg.hydra.launcher._target_) or (place and unplaceable(Path(cfg.hydra[place].dir)))
    if refused:
        sys.exit(refused)
    return found


@contextmanager
def open_loggers(cfg: DictConfig, summary: Path | None = None) -> Iterator[list[Any]]:
    """The loggers of a job, or of the summary in its folder; finished on leaving.

    The summary's own files are csv already, so it leaves the csv logger out and loads no Lightning for it.
    """
    from sppl.loggers import opened

    chosen = [str(name) for name in cfg.get("logger") or {} if not (summary and name == "csv")]
    if summary:
        cfg = cfg.copy()
        cfg.run_dir, cfg.job_name = str(summary), "report"
    with opened(chosen, lambda name: instantiate(cfg.logger[name], _convert_="all"), plain(cfg)) as loggers:
        yield loggers


def run() -> int:
    """Hydra's main, then the summary; the exit status."""
    from sppl.interrupts import Stopped, stoppable
    from sppl.keys import key_among
    from sppl.spellings import moved

    if refused := key_among(sys.argv[1:]) or moved(sys.argv[1:]):  # before Hydra writes the arguments down
        sys.exit(refused)
    Begun.config, Begun.first, failed = None, 0, False
    Plugins.instance()  # finds the launchers; where a file of ours has the name it is all there is to say
    for name in ("joblib", "submitit_local"):
        ConfigStore.instance().repo["hydra"]["launcher"].pop(f"{name}.yaml", None)
    logging.raiseExceptions = False  # a full disk gets a sentence, not a traceback per log line
    with stoppable():
        try:
            main()
        except SystemExit as stop:  # Hydra's way to say that a job failed or the configuration is wrong
            if isinstance(stop, Stopped) or isinstance(stop.code, str):  # a signal; a refusal before all else
                raise
            failed = bool(stop.code)
        if Begun.config is None:
            return int(failed)
        from sppl.refusals import told

        with told(log.debug):
            return int(not summarise(Begun.config, Begun.folder) or failed)
        return 1


if __name__ == "__main__":
    import run as this  # Hydra knows the classes above as run.*, and so must we

    sys.exit(this.run())
