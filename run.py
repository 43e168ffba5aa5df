"""Runs what the configuration says: job stages, one job per point of a sweep, then rank and report over all of them.

Only hydra is imported at the top, so `--help` and `--cfg job` answer at once.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

log = logging.getLogger("run")

STAGES = {
    "generate": "job",
    "predict": "job",
    "score": "job",
    "finetune": "job",
    "benchmark": "job",
    "export": "job",
    "rank": "sweep",
    "report": "sweep",
}
"""Every stage in the order they run, and whether it runs in each job or once over a whole sweep."""

FOLDER = "SPPL_RUN_FOLDER"


class RememberFolder(Callback):
    """Keeps the folder of the run or sweep, for the summary after Hydra is done."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Remembers the folder of a single run."""
        os.environ[FOLDER] = str(config.hydra.run.dir)

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Remembers the folder of a sweep."""
        os.environ[FOLDER] = str(config.hydra.sweep.dir)


@hydra.main(version_base="1.3", config_path=str(Path(__file__).with_name("conf").resolve()), config_name="config")
def main(cfg: DictConfig) -> None:
    """Runs the job stages of one job and writes `job.json` into its folder, whatever happens."""
    from sppl.provenance import write_json
    from sppl.schemas import UserError

    settings = HydraConfig.get()
    folder = Path(settings.runtime.output_dir)
    cfg.run_dir = str(folder)
    cfg.group = (folder.parent if settings.mode == RunMode.MULTIRUN else folder).name
    record: dict[str, Any] = {"status": "failed", "error": "it stopped before its end; its run.log says why"}
    record |= {"leaves": {}, "overrides": list(settings.overrides.task)}
    write_json(folder / "job.json", record)
    try:
        record["leaves"] = run_job(cfg)
        record |= {"status": "done", "error": ""}
    except (UserError, InstantiationException, OmegaConfBaseException) as error:
        record["error"] = in_one_sentence(error)
        log.error(record["error"])
    finally:
        write_json(folder / "job.json", record)


def run_job(cfg: DictConfig) -> dict[str, list[str]]:
    """Runs the job stages in their order; returns the names of the leaves each found or made."""
    check(cfg)
    store = open_store(cfg)
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


def summarise(folder: Path) -> bool:
    """Runs rank per benchmark and target, and report once, over all jobs below the folder; True if all went well."""
    jobs = [Job.read(path) for path in sorted(folder.rglob("job.json"))]
    gaps = [job.gap() for job in jobs if job.status != "done"]
    for gap in gaps:
        log.error("failed: %s: %s", gap["job"], gap["error"])
    done = [job.cfg for job in jobs if job.status == "done"]
    if not done or not stages(done[0], "sweep"):
        return bool(jobs) and not gaps
    first, store = done[0], open_store(done[0])
    rankings: list[str] = []
    with open_loggers(first, folder) as loggers:
        for cfg in grouped(done) if "rank" in first.stage else []:
            call = stage_call(cfg, "rank")
            log.info(call(store=store, dry=True).line("rank"))
            if not first.dry:
                plan = call(store=store, loggers=loggers)
                rankings.append([*plan.found, *plan.to_make][-1])
        if "report" in first.stage and not first.dry:
            results = dict.fromkeys(name for job in jobs for name in job.leaves.get("benchmark", []))
            call = stage_call(first, "report")
            call(store=store, rankings=rankings, results=list(results), gaps=gaps, loggers=loggers)
    return not gaps


def grouped(configs: list[DictConfig]) -> list[DictConfig]:
    """One configuration per ranking: jobs that differ in strategy, or in nothing rank reads, are ranked together."""
    groups: dict[str, DictConfig] = {}
    for cfg in configs:
        plain = OmegaConf.to_container(cfg.stage.rank, resolve=True)
        assert isinstance(plain, dict)
        key = json.dumps({name: value for name, value in plain.items() if name != "strategy"}, sort_keys=True)
        if key in groups:
            OmegaConf.set_struct(groups[key], False)
            groups[key].strategy = OmegaConf.merge(groups[key].strategy, cfg.strategy)
        else:
            groups[key] = cfg.copy()
    return list(groups.values())


@dataclass(frozen=True)
class Job:
    """What one job left in its folder."""

    cfg: DictConfig
    status: str
    error: str
    overrides: list[str]
    leaves: dict[str, list[str]]

    @classmethod
    def read(cls, path: Path) -> "Job":
        """The job of a `job.json`."""
        cfg = OmegaConf.load(path.parent / ".hydra" / "config.yaml")
        assert isinstance(cfg, DictConfig)
        return cls(cfg=cfg, **json.loads(path.read_text()))

    def gap(self) -> dict[str, Any]:
        """What is missing because this job failed."""
        names = {"benchmark": self.cfg.benchmark.name, "target_model": self.cfg.target_model.name}
        strategies = [str(name) for name in self.cfg.get("strategy") or {}]
        return {"job": " ".join(self.overrides) or "this run", "error": self.error, "strategies": strategies, **names}


def stages(cfg: DictConfig, where: str) -> list[str]:
    """The chosen stages that run per `job` or per `sweep`, in the order they run."""
    return [name for name, place in STAGES.items() if place == where and name in cfg.stage]


def stage_call(cfg: DictConfig, name: str) -> Callable[..., Any]:
    """The stage function with its arguments filled in."""
    from hydra.utils import instantiate

    return instantiate(cfg.stage[name], _partial_=True, _convert_="all")


def open_store(cfg: DictConfig) -> Any:
    """The store, which copies the resolved configuration into the provenance of all it writes."""
    from sppl.store import Store

    return Store(cfg.store, config=OmegaConf.to_container(cfg, resolve=True))  # pyright: ignore[reportArgumentType]


@contextmanager
def open_loggers(cfg: DictConfig, summary: Path | None = None) -> Iterator[list[Any]]:
    """The loggers of a job, or of the summary in its folder; finished on leaving.

    The summary's own files are csv already, so it leaves the csv logger out and loads no Lightning for it.
    """
    from hydra.utils import instantiate

    from sppl.keys import wandb_key

    chosen = dict(cfg.get("logger") or {})
    if summary is not None:
        chosen.pop("csv", None)
        cfg = cfg.copy()
        cfg.run_dir, cfg.job_name = str(summary), "report"
        chosen = {key: cfg.logger[key] for key in chosen}
    if "wandb" in chosen and not wandb_key():
        os.environ.setdefault("WANDB_MODE", "offline")
    loggers = [instantiate(part, _convert_="all") for part in chosen.values()]
    plain = OmegaConf.to_container(cfg, resolve=True)
    for logger in loggers:
        logger.log_hyperparams(plain)
    try:
        yield loggers
    finally:
        for logger in loggers:
            logger.save()
            logger.finalize("success")
            if "wandb" in type(logger).__name__.lower():  # Lightning would log the next job into the same run
                logger.experiment.finish()


def check(cfg: DictConfig) -> None:
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
    if not isinstance(error, InstantiationException):
        return " ".join(str(error).split())
    lines = [line for line in str(error).splitlines() if line.strip()]
    where = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("full_key")), "")
    what = re.sub(r"^Error in call to target '([\w.]+)':", r"\1:", lines[0])
    cause = " ".join(line for line in lines[1:] if not line.startswith("full_key"))
    return f"{where + ': ' if where else ''}{what} {cause}".strip()


def run() -> int:
    """Hydra's main, then the summary; the exit status."""
    from sppl.keys import key_among

    if refused := key_among(sys.argv[1:]):  # before Hydra writes the arguments down
        sys.exit(refused)
    os.environ.pop(FOLDER, None)
    failed = False
    try:
        main()
    except SystemExit as stop:  # Hydra's way to say that a job failed or the configuration is wrong
        failed = bool(stop.code)
    if FOLDER not in os.environ:
        return int(failed)
    from sppl.schemas import UserError

    try:
        complete = summarise(Path(os.environ[FOLDER]))
    except (UserError, InstantiationException) as error:
        log.error(in_one_sentence(error))
        return 1
    return int(failed or not complete)


if __name__ == "__main__":
    sys.exit(run())
