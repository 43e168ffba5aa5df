"""Tries a way of running a model on the model itself, as its class says little about what it can do."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import torch

log = logging.getLogger(__name__)

T = TypeVar("T")


def try_model(model: Any, way: str, trial: Callable[[], T]) -> T | None:
    """Returns the result of a trial; None, and a line in the log, where the model cannot be run that way.

    Any exception of the model's code counts as failure, as architectures fail in different ways.

    Args:
        model: the model to try.
        way: what it is tried for, for the log.
        trial: runs the model.

    Raises:
        MemoryError: or torch's own error; a lack of memory says nothing about the model.
    """
    try:
        return trial()
    except (torch.OutOfMemoryError, MemoryError):
        raise
    except Exception:
        log.info("%s cannot run %s", type(model).__name__, way)
        log.debug("why", exc_info=True)
        return None
