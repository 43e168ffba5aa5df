"""A way of running a model is tried on the very model, as its class says little about what it can do."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import torch

log = logging.getLogger(__name__)

T = TypeVar("T")


def try_model(model: Any, way: str, trial: Callable[[], T]) -> T | None:
    """What a trial gives; None, and a line in the log, where the model cannot be run that way.

    Whatever the model's code raises counts, for architectures fail in ways of their own.

    Args:
        model: that is tried.
        way: what it is tried for, in the words of the log's line.
        trial: runs it.

    Raises:
        MemoryError: or torch's own; a lack of memory says nothing of the model.
    """
    try:
        return trial()
    except (torch.OutOfMemoryError, MemoryError):
        raise
    except Exception:
        log.info("%s cannot run %s", type(model).__name__, way)
        log.debug("why", exc_info=True)
        return None
