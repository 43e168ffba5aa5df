"""Checkpoints of a run that can be killed at any moment."""

import time
import zipfile
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from sppl.data.batches import Steps


def last_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint of a folder, None without one."""
    # the directory of a zip file is written last: a file cut short has none
    whole = (path for path in folder.glob("step-*.ckpt") if zipfile.is_zipfile(path))
    return max(whole, default=None)


class Checkpoints(pl.Callback):
    """Saves everything needed to go on, under a temporary name first; keeps the newest ones.

    Args:
        folder: where the files go.
        data: the steps of training. Lightning forgets a loader's state where an epoch has just ended, so it is kept here.
        seconds: shortest time between two; longer where saving itself takes more than a twentieth of it.
        save_total: how many are kept.
    """

    def __init__(self, folder: Path, data: Steps, *, seconds: float, save_total: int) -> None:
        self.folder = folder
        self.data = data
        self.seconds = seconds
        self.save_total = save_total
        self.saved = time.monotonic()
        self.took = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.saved = time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, *args: object) -> None:
        # after an epoch's last step comes its validation, then on_train_epoch_end
        if not trainer.is_last_batch and self._due(trainer):
            self._save(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch + 1 == trainer.max_epochs or self._due(trainer):
            self._save(trainer)

    def state_dict(self) -> dict[str, Any]:
        return {"data": self.data.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.data.load_state_dict(state_dict["data"])

    def _due(self, trainer: pl.Trainer) -> bool:
        due = time.monotonic() - self.saved >= max(self.seconds, 20 * self.took if self.seconds else 0)
        # every process must take the same decision: the first one's
        return trainer.strategy.broadcast(due) if trainer.world_size > 1 else due

    def _save(self, trainer: pl.Trainer) -> None:
        start = time.monotonic()
        path = self.folder / f"step-{trainer.global_step:08d}.ckpt"
        temporary = path.with_suffix(".tmp")
        trainer.save_checkpoint(temporary, weights_only=False)
        if trainer.is_global_zero:
            temporary.replace(path)
            for old in sorted(self.folder.glob("step-*.ckpt"))[: -self.save_total]:
                old.unlink()
        self.saved = time.monotonic()
        self.took = self.saved - start
