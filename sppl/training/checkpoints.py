"""Saves checkpoints of a run that may be killed at any moment, and the best weights so far."""

import math
import shlex
import time
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import pytorch_lightning as pl
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from sppl.artifacts.provenance import whole_zip
from sppl.schemas import UserError
from sppl.training.batches import Steps
from sppl.training.finetuner import Finetuner


def last_checkpoint(folder: Path, run: str) -> Path | None:
    """Returns the newest whole checkpoint of a run; None without one.

    Raises:
        UserError: it holds a pickle that would run code when loaded, so it is none of ours; nothing of it has run.
    """
    path = next(filter(whole_zip, sorted(folder.glob(f"{run}-*.ckpt"), reverse=True)), None)
    if path:
        try:
            torch.load(path, map_location="cpu", weights_only=True, mmap=True)  # its directory only, the weights stay
        except UnpicklingError:
            raise UserError(
                f"{path} is not a checkpoint of ours: it asks for more than numbers to be loaded, which could run any "
                f"code. Remove it (rm {shlex.quote(str(path))}) and run the same command again"
            ) from None
    return path


class Checkpoints(pl.Callback):
    """Saves everything needed to resume, under a temporary name first, and keeps the newest checkpoints.

    Args:
        folder: where the files go.
        run: what their names begin with: another run with other settings or data goes on from its own only.
        data: the steps of training. Lightning forgets a loader's state where an epoch has just ended, so it is kept
            here.
        seconds: shortest time between two; longer where saving would take more than a twentieth of it.
        save_total: how many are kept.
    """

    def __init__(self, folder: Path, run: str, data: Steps, *, seconds: float, save_total: int) -> None:
        self.folder = folder
        self.run = run
        self.data = data
        self.seconds = seconds
        self.save_total = save_total
        self.saved = 0.0
        self.took = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Starts the clock."""
        self.saved = time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, *args: object) -> None:
        """Saves between steps; after the last one of an epoch comes its validation, then `on_train_epoch_end`."""
        if not trainer.is_last_batch and self._due(trainer):
            self._save(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Saves between epochs, and in any case when training is done."""
        if trainer.current_epoch + 1 == trainer.max_epochs or self._due(trainer):
            self._save(trainer)

    def state_dict(self) -> dict[str, Any]:
        """Returns the position in the data."""
        return {"data": self.data.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Moves the data to the saved position."""
        self.data.load_state_dict(state_dict["data"])

    def _due(self, trainer: pl.Trainer) -> bool:
        wait = max(self.seconds, 20 * self.took) if self.seconds else 0.0
        due = time.monotonic() - self.saved >= wait
        # every process must take the same decision: the first one's
        return trainer.strategy.broadcast(due) if trainer.world_size > 1 else due

    def _save(self, trainer: pl.Trainer) -> None:
        start = time.monotonic()
        path = self.folder / f"{self.run}-{trainer.global_step:08d}.ckpt"
        temporary = path.with_suffix(".tmp")
        trainer.save_checkpoint(temporary, weights_only=False)
        if trainer.is_global_zero:
            temporary.replace(path)
            for old in sorted(self.folder.glob(f"{self.run}-*.ckpt"))[: -self.save_total]:
                old.unlink()
        self.saved = time.monotonic()
        self.took = self.saved - start


class Best(pl.Callback):
    """Keeps the trained weights of the epoch with the smallest validation loss, the first of equal ones.

    Args:
        path: a safetensors file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.loss = math.inf

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Writes the weights if they are better than those before."""
        module = _finetuner(pl_module)
        loss = float(trainer.callback_metrics[f"{module.name}/validation_loss"])
        if loss >= self.loss:
            return
        self.loss = loss
        weights = module.trained(trainer.strategy.lightning_module_state_dict())
        if trainer.is_global_zero:
            temporary = self.path.with_suffix(".tmp")
            save_file({name: weight.contiguous() for name, weight in weights.items()}, temporary)
            temporary.replace(self.path)

    def load(self, module: Finetuner) -> None:
        """Loads the best weights into the module.

        Raises:
            UserError: their file was cut short or changed by others.
        """
        try:
            module.load_state_dict(load_file(self.path), strict=False)
        except (OSError, SafetensorError) as error:
            folder = shlex.quote(str(self.path.parent))
            raise UserError(
                f"{self.path} is broken ({error}). Remove it with its checkpoints (rm -r {folder}) and run the same "
                "command again; only this training is done anew"
            ) from None

    def state_dict(self) -> dict[str, Any]:
        """Returns the smallest loss so far."""
        return {"loss": self.loss}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the smallest loss from before the interruption."""
        self.loss = state_dict["loss"]


def _finetuner(module: pl.LightningModule) -> Finetuner:
    assert isinstance(module, Finetuner)
    return module
