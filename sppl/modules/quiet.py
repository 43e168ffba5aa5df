"""Lightning's predict loop with a progress bar and without the remarks a user cannot act on."""

import logging
import warnings
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import DataLoader


def predicted(trainer: Callable[..., pl.Trainer], module: pl.LightningModule, loader: DataLoader, what: str) -> Iterable[Any]:
    """What `predict_step` returned for every batch of the loader, in its order, as one stream."""
    quiet()
    runner = trainer(logger=False, enable_checkpointing=False, callbacks=[bar(what)], enable_model_summary=False)
    return chain.from_iterable(runner.predict(module, loader) or ())


def bar(what: str) -> pl.callbacks.ProgressBar:
    """A progress bar that says what is going on."""

    class Bar(pl.callbacks.TQDMProgressBar):
        def init_predict_tqdm(self) -> Any:
            shown = super().init_predict_tqdm()
            shown.set_description(what)
            shown.leave = False
            return shown

    return Bar(refresh_rate=1)


def quiet() -> None:
    """Silences Lightning's notes on devices, workers and upgrades."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning.*")
    warnings.filterwarnings("ignore", module="lightning_fabric.*")
