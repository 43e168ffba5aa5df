"""Runs what the configuration says: job stages, one job per point of a sweep, then rank and report over all of them.

Only hydra is imported at the top, so `--help` and `--cfg job` answer at once.
"""

import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: spinning thread pools on a shared CPU collapse
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("WANDB_SILENT", "true")

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

log = logging.getLogger("run")

STAGES = {
    "generate": "job",
    "predict": "job",
    "score": "job",
    "pilot_finetune": "job",
    "pilot_benchmark": "job",
    "finetune": "job",
    "benchmark": "job",
    "export": "job",
    "rank": "sweep",
    "report": "sweep",
}
"""Every stage in the order they run, and whether it runs in each job or once over a whole sweep."""


class Begun(Callback):
    """Keeps the configuration of the run or sweep that was begun, for the summary after Hydra is done."""

    config: ClassVar[DictConfig | None] = None
    folder: ClassVar[Path]

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Keeps that of a single run."""
        Begun.config, Begun.folder = config, Path(config.hydra.run.dir)

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Keeps that of a sweep."""
        Begun.config, Begun.folder = config, Path(config.hydra.sweep.dir)


@hydra.main(version_base="1.3", config_path=str(Path(__file__).with_name("conf").resolve()), config_name="config")
def main(cfg: DictConfig) -> None:
    """One job: runs its stages and keeps `job.json` in its folder, whatever happens."""
    from sppl.interrupts import stoppable
    from sppl.jobs import Job
    from sppl.schemas import UserError

    settings = HydraConfig.get()
    folder = Path(settings.runtime.output_dir)
    cfg.run_dir = str(folder)
    cfg.group = (folder.parent if settings.mode == RunMode.MULTIRUN else folder).name
    job = Job(folder, list(settings.overrides.task))
    try:
        refuse_empty_lists(cfg)
        job.config = plain(cfg)
        job.write()
        with stoppable():  # here too: a launcher's worker process runs nothing but this function
            job.done(run_job(cfg))
    except (UserError, InstantiationException, OmegaConfBaseException) as error:
        job.failed(in_one_sentence(error))
        log.error(job.error)


def run_job(cfg: DictConfig) -> dict[str, list[str]]:
    """Runs the job stages in their order; returns the names of the leaves each found or made."""
    from sppl.store import Store

    store = Store(cfg.store, config=plain(cfg))
    calls = {name: stage_call(cfg, name) for name in stages(cfg, "job")}
    for name, call in calls.items():
        log.info(call(store=store, dry=True).line(name))
    leaves: dict[str, list[str]] = {}
    if cfg.dry or not calls:
        return leaves
    with open_loggers(cfg) as loggers:
        for name, call in calls.items():
            plan = call(store=store, loggers=loggers)
            leaves[name] = [*plan.found, *plan.to_make]
    return leaves


def summarise(begun: DictConfig, folder: Path) -> bool:
    """Runs rank per benchmark and target, and report once, over all jobs of the folder; True if all went well."""
    from sppl.jobs import jobs_in, ranked_together
    from sppl.store import Store

    jobs = jobs_in(folder)
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


def stages(cfg: Mapping[Any, Any], where: str) -> list[str]:
    """The chosen stages that run per `job` or per `sweep`, in the order they run."""
    return [name for name, place in STAGES.items() if place == where and name in cfg["stage"]]


def stage_call(cfg: Mapping[Any, Any], name: str) -> Callable[..., Any]:
    """The stage function with its arguments filled in."""
    return instantiate(cfg["stage"][name], _partial_=True, _convert_="all")


def plain(cfg: DictConfig) -> dict[str, Any]:
    """The resolved configuration without Hydra's own part."""
    ours = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    return OmegaConf.to_container(ours, resolve=True)  # pyright: ignore[reportReturnType]


@contextmanager
def open_loggers(cfg: DictConfig, summary: Path | None = None) -> Iterator[list[Any]]:
    """The loggers of a job, or of the summary in its folder; finished on leaving.

    The summary's own files are csv already, so it leaves the csv logger out and loads no Lightning for it.
    """
    from sppl.keys import wandb_key

    chosen = [str(name) for name in cfg.get("logger") or {} if not (summary and name == "csv")]
    if summary:
        cfg = cfg.copy()
        cfg.run_dir, cfg.job_name = str(summary), "report"
    if "wandb" in chosen and not wandb_key():
        os.environ.setdefault("WANDB_MODE", "offline")
    loggers = [instantiate(cfg.logger[name], _convert_="all") for name in chosen]
    for logger in loggers:
        logger.log_hyperparams(plain(cfg))
    try:
        yield loggers
    finally:
        for name, logger in zip(chosen, loggers, strict=True):
            logger.save()
            logger.finalize("success")
            if name == "wandb":  # Lightning would log the next job into the same run
                logger.experiment.finish()


def refuse_empty_lists(cfg: DictConfig) -> None:
    """Refuses empty lists: an empty list makes its key vanish from the configuration."""
    from sppl.schemas import UserError

    for group, example in (("stage", "score"), ("strategy", "gpt4"), ("metric", "sppl")):
        if not cfg.get(group):
            choices = ", ".join(sorted(path.stem for path in Path(__file__).parent.glob(f"conf/{group}/*.yaml")))
            raise UserError(
                f"the list `{group}` is empty; choose one or more, e.g. '{group}=[{example}]'. There are: {choices}"
            )


def in_one_sentence(error: Exception) -> str:
    """What a user needs to know of an error: for a wrong argument of a component, its name and the choices."""
    what, _, where = str(error).partition("full_key:")
    what = re.sub(r"^Error in call to target '([\w.]+)':", r"\1:", what.strip())
    return " ".join(f"{where.strip()}: {what}".removeprefix(": ").split())


def run() -> int:
    """Hydra's main, then the summary; the exit status."""
    from sppl.interrupts import Stopped, stoppable
    from sppl.keys import key_among

    if refused := key_among(sys.argv[1:]):  # before Hydra writes the arguments down
        sys.exit(refused)
    Begun.config, failed = None, False
    with stoppable():
        try:
            main()
        except Stopped:
            raise
        except SystemExit as stop:  # Hydra's way to say that a job failed or the configuration is wrong
            failed = bool(stop.code)
        if Begun.config is None:
            return int(failed)
        from sppl.schemas import UserError

        try:
            return int(not summarise(Begun.config, Begun.folder) or failed)
        except (UserError, InstantiationException) as error:
            log.error(in_one_sentence(error))
            return 1


if __name__ == "__main__":
    import run as this  # Hydra knows the classes above as run.*, and so must we

    sys.exit(this.run())
