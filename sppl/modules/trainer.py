"""Lightning's Trainer behind a door that opens late."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytorch_lightning as pl


def trainer(**settings: Any) -> "pl.Trainer":
    """A `pytorch_lightning.Trainer` with its own settings.

    Importing Lightning takes six seconds. The configuration names this function, so only commands that make a Trainer
    pay them: a dry run, or a mistake found before any work, does not.
    """
    from pytorch_lightning import Trainer

    return Trainer(**settings)
