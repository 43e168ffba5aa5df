"""Runs the stages of one job in their order."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from sppl.artifacts.store import InProgress, MissingArtifact, Store
from sppl.cli.command_line import command_line, job_line
from sppl.cli.jobs import Job, stages
from sppl.cli.logger_runs import open_loggers
from sppl.cli.settings import as_plain
from sppl.study.loggers import Loggers

log = logging.getLogger(__name__)


def run_stages(cfg: DictConfig, job: Job) -> dict[str, list[str]]:
    """Runs the job stages in their order; returns the names of the artifacts each found or made.

    Args:
        cfg: of the job.
        job: its record, into which the plans are written.
    """
    store = Store(cfg.store, config=as_plain(cfg), typed=command_line(), job=job_line(job.overrides))
    store.check_format()
    calls = {name: stage_call(cfg, name) for name in stages(cfg, "job")}
    artifacts: dict[str, list[str]] = {}
    news = False
    for name, call in calls.items():
        plan = call(store=replace(store, read_only=True), dry=True)
        news = news or bool(plan.to_make)
        log.info(plan.line(name))
        job.plans[name] = asdict(plan)
    job.write()
    if cfg.dry or not calls:
        return artifacts
    if news and cfg.trainer.accelerator == "gpu":
        _ = instantiate(cfg.trainer).device  # a machine without one is told so before any work
    with open_loggers(cfg, news=news) as loggers:
        later, told = dict[str, Callable[..., Any]](), dict[str, Sequence[str]]()
        for name, call in calls.items():
            try:
                plan = call(store=replace(store, wait=False), loggers=_loggers_of_stage(name, loggers))
            except InProgress as busy:
                log.info("%s: another process is making %s; going on with other work meanwhile", name, busy)
                later[name] = call
            except MissingArtifact:
                if not later:
                    raise
                later[name] = call  # what it needs may be what is in progress
            else:
                artifacts[name], told[name] = [*plan.found, *plan.to_make], plan.told
        for name, call in later.items():
            plan = call(store=store, loggers=_loggers_of_stage(name, loggers))
            artifacts[name], told[name] = [*plan.found, *plan.to_make], plan.told
    for name in calls:
        last = name == next(reversed(calls)) and not stages(cfg, "sweep")
        if name == "finetune" or last:  # of the others a later stage, or a table, says what came of them
            for sentence in told[name]:
                log.info("%s: %s", name, sentence)
    return {name: artifacts[name] for name in calls}


def _loggers_of_stage(stage: str, loggers: Loggers) -> Loggers:
    """The loggers of a stage; pilots have runs of their own, beside those of the full training."""
    if not stage.startswith("pilot_"):
        return loggers
    return lambda strategy="", *more: loggers(strategy, "pilot", *more)


def stage_call(cfg: Mapping[Any, Any], name: str) -> Callable[..., Any]:
    """Returns the function of a stage with its arguments filled in."""
    return instantiate(cfg["stage"][name], _partial_=True, _convert_="all")
