"""One plain progress bar for Lightning, which is otherwise silent about what a user cannot act on."""

import logging
import sys
import warnings
from collections.abc import Iterable
from itertools import chain
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import DataLoader
from tqdm import tqdm

from sppl.hardware.hardware import Hardware


class Progress(pl.Callback):
    """One bar over all steps that disappears when they are done; none is written to a log file."""

    def __init__(self, what: str) -> None:
        self.what = what

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._open(trainer, int(trainer.num_predict_batches[0]))

    def on_predict_batch_end(self, *_: Any, **__: Any) -> None:
        self.bar.update()

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.bar.close()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._open(trainer, int(trainer.estimated_stepping_batches))
        self.bar.update(trainer.global_step)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any, **__: Any) -> None:
        losses = [float(value) for name, value in trainer.progress_bar_metrics.items() if name.endswith("/loss")]
        if losses:
            self.bar.set_postfix(loss=f"{losses[0]:.4f}", refresh=False)
        self.bar.update()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.bar.close()

    def _open(self, trainer: pl.Trainer, total: int) -> None:
        hidden = not sys.stderr.isatty() or not trainer.is_global_zero
        self.bar = tqdm(total=total, desc=self.what, leave=False, disable=hidden, dynamic_ncols=True)


def predict_batches(
    hardware: Hardware, module: pl.LightningModule, loader: DataLoader, what: str, **settings: Any
) -> Iterable[Any]:
    """Runs `predict_step` over the batches of a loader; yields what it returned for each, in their order.

    One device does it: what the others predicted would not come back.

    Args:
        hardware: the devices of which the first one works.
        module: what predicts.
        loader: gives the batches.
        what: what the progress bar says.
        settings: further ones of Lightning's Trainer.
    """
    quiet()
    runner = hardware.one()(
        **settings,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[Progress(what)],
    )
    return chain.from_iterable(runner.predict(module, loader) or ())


def quiet() -> None:
    """Silences Lightning's notes on devices, workers and upgrades."""
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*does not have many workers")
    warnings.filterwarnings("ignore", message="The `srun` command is available")
    warnings.filterwarnings("ignore", message="Couldn't infer the batch indices")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
