"""Lightning's loggers from their first line to their last."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sppl.keys import wandb_key


def work_offline() -> None:
    """Keeps W&B runs in their folders where it has no key to log in with."""
    if not wandb_key():
        os.environ.setdefault("WANDB_MODE", "offline")


@contextmanager
def closing(loggers: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[None]:
    """Logs the configuration, and finishes the loggers on leaving: the next job of this process has its own.

    Args:
        loggers: by the names of their configuration files.
        config: the resolved configuration.
    """
    for logger in loggers.values():
        logger.log_hyperparams(config)
    try:
        yield
    finally:
        for name, logger in loggers.items():
            logger.save()
            logger.finalize("success")
            if name == "wandb":  # Lightning would log the next job into the same run
                logger.experiment.finish()
