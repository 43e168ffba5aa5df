"""Lightning's loggers from their first line to their last."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sppl.keys import wandb_key


@contextmanager
def opened(names: Sequence[str], make: Callable[[str], Any], config: Mapping[str, Any]) -> Iterator[list[Any]]:
    """The loggers, with the configuration logged; finished on leaving, as the next job of this process has its own.

    W&B runs stay in their folders where there is no key to log in with.

    Args:
        names: of the loggers, as their configuration files say.
        make: the logger of a name.
        config: the resolved configuration.
    """
    if "wandb" in names and not wandb_key():
        os.environ.setdefault("WANDB_MODE", "offline")
    loggers = {name: make(name) for name in names}
    for logger in loggers.values():
        logger.log_hyperparams(config)
    try:
        yield list(loggers.values())
    finally:
        for name, logger in loggers.items():
            logger.save()
            logger.finalize("success")
            if name == "wandb":  # Lightning would log the next job into the same run
                logger.experiment.finish()
