"""Lightning's loggers from their first line to their last."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from sppl.cli.settings import plain
from sppl.keys import wandb_key

OURS = ("_only_news_", "_offline_without_key_", "_finish_")
"""What a logger's file says to us (`conf/logger`): it is opened only where something new is made; W&B's runs stay in
their folders where there is no key to log in with; its run is ended with the job, as the next job of this process has
its own."""


@contextmanager
def open_loggers(cfg: DictConfig, *, news: bool) -> Iterator[list[Any]]:
    """The loggers of a job or of the summary, with the configuration logged; finished on leaving.

    Args:
        cfg: of the job; `run_dir` and `job_name` say where, and of what, its loggers tell.
        news: whether something new is made: what was found was logged before.
    """
    chosen: Any = OmegaConf.to_container(cfg.logger, resolve=True) if cfg.get("logger") else {}
    said = {name: {key: part.pop(key, False) for key in OURS} for name, part in chosen.items()}
    names = [name for name in chosen if news or not said[name]["_only_news_"]]
    if any(said[name]["_offline_without_key_"] for name in names) and not wandb_key():
        os.environ.setdefault("WANDB_MODE", "offline")
    loggers = {name: instantiate(chosen[name], _convert_="all") for name in names}
    config = plain(cfg)
    for logger in loggers.values():
        logger.log_hyperparams(config)
    try:
        yield list(loggers.values())
    finally:
        for name, logger in loggers.items():
            logger.save()
            logger.finalize("success")
            if said[name]["_finish_"]:
                logger.experiment.finish()
