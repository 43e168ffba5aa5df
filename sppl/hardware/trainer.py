"""Makes Lightning's Trainer, imported late, and reports errors of the processes it spawns."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sppl.hardware.hardware import SHARDED
from sppl.schemas import UserError

if TYPE_CHECKING:
    import pytorch_lightning as pl


def make_trainer(**settings: Any) -> "pl.Trainer":
    """Returns a `pytorch_lightning.Trainer` with these settings.

    Raises:
        UserError: Lightning refuses the settings, or the machine has no such device.
    """
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment
    from lightning_fabric.utilities.exceptions import MisconfigurationException
    from pytorch_lightning import Trainer
    from pytorch_lightning.strategies import StrategyRegistry

    if settings.get("strategy") == SHARDED:
        from sppl.hardware.sharded import Sharded

        StrategyRegistry.register(SHARDED, Sharded, override=True)
    try:
        # Lightning's own view of a Slurm job, one srun task per device and a requeue of its own, is not ours
        return Trainer(**{"plugins": [LightningEnvironment()], **settings})
    except (MisconfigurationException, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"these settings of trainer cannot be used here: {reason} On a machine without a GPU take trainer=cpu, or "
            "trainer.accelerator=cpu training.precision=32-true"
        ) from error


@contextmanager
def errors_of_processes() -> Iterator[None]:
    """Within this block an error in a process that a Trainer spawned is raised as one sentence.

    A user's mistake arrives as a printed traceback; that a process was killed is often first reported by the others.

    Raises:
        UserError: it was a user's mistake, or the process was killed; other errors are raised as they are.
    """
    from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

    try:
        yield
    except (ProcessRaisedException, ProcessExitedException) as error:
        _, found, message = str(error).rpartition(f"{UserError.__module__}.{UserError.__name__}: ")
        if found:
            raise UserError(" ".join(message.split())) from None
        if isinstance(error, ProcessRaisedException) and not re.search(r"[Cc]onnection (closed|reset)", str(error)):
            raise
        how = getattr(error, "signal_name", None) or "from outside"
        raise UserError(
            f"one of the processes was ended ({how}; the system does that where memory runs out) and the "
            "others with it; run the same command again, it goes on from here"
        ) from None
