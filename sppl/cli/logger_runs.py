"""Opens and finishes Lightning's loggers: a run per strategy, and one for the summary."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from sppl.cli.settings import as_plain
from sppl.cli.unused import settings_in_use
from sppl.keys import wandb_key
from sppl.study.loggers import Loggers

OURS = ("_not_for_summary_", "_offline_without_key_", "_finish_")
"""Our own settings in a logger's file (`conf/logger`): it logs no summary; W&B's runs stay in their folders where there
is no key to log in with; its run is ended with the job, as the next job of this process has its own."""


@contextmanager
def open_loggers(cfg: DictConfig, *, news: bool, summary: bool = False) -> Iterator[Loggers]:
    """Yields the loggers of a job or of the summary: a run per strategy, opened at first use and finished on leaving.

    Args:
        cfg: of the job; `run_dir` and `job_name` say where and under which name it is logged.
        news: whether anything new is made; what was found was logged before, so nothing is logged without it.
        summary: whether it is the summary's.
    """
    opened = dict[str, list[tuple[Any, bool]]]()

    def of(strategy: str = "", *more: str) -> Sequence[Any]:
        if not news:
            return ()
        name = _run_name(cfg, strategy, *more)
        if name not in opened:
            opened[name] = _opened(cfg, name, strategy, summary=summary)
        return [logger for logger, _ in opened[name]]

    try:
        yield of
    finally:
        for logger, finish in [one for run in opened.values() for one in run]:
            logger.save()
            logger.finalize("success")
            if finish:
                logger.experiment.finish()


def _run_name(cfg: DictConfig, strategy: str, *more: str) -> str:
    """The strategy, the seed, and what a sweep changes beside them: `gpt4,seed=0,n_train=100`."""
    own = [word for word in str(cfg.job_name).split(",") if "=" in word and not word.startswith(("strategy=", "seed="))]
    return ",".join([strategy, *more, f"seed={cfg.seed}", *own]) if strategy else ",".join([cfg.job_name, *more])


def _opened(cfg: DictConfig, name: str, strategy: str, *, summary: bool) -> list[tuple[Any, bool]]:
    """Loggers to which the configuration in use was logged, and whether each has to be finished."""
    own = cfg.copy()
    own.job_name = name
    chosen: Any = OmegaConf.to_container(own.logger, resolve=True) if own.get("logger") else {}
    found: list[tuple[Any, bool]] = []
    for part in chosen.values():
        said = {key: part.pop(key, False) for key in OURS}
        if summary and said["_not_for_summary_"]:
            continue
        if said["_offline_without_key_"] and not wandb_key():
            os.environ.setdefault("WANDB_MODE", "offline")
        logger = instantiate(part, _convert_="all")
        logger.log_hyperparams(_of_strategy(settings_in_use(as_plain(cfg, resolve=False), as_plain(cfg)), strategy))
        found.append((logger, said["_finish_"]))
    return found


def _of_strategy(config: dict[str, Any], strategy: str) -> dict[str, Any]:
    """The settings of a strategy's run: its name as `strategy`, its recipe as `recipe.`, and no other's."""
    if not strategy:
        return config
    own = f"strategy.{strategy}."
    recipe = {f"recipe.{place.removeprefix(own)}": value for place, value in config.items() if place.startswith(own)}
    shared = {place: value for place, value in config.items() if not place.startswith("strategy.")}
    return {"strategy": strategy, **shared, **recipe}
