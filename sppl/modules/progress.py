"""Lightning with one plain progress bar and without the remarks a user cannot act on."""

import logging
import warnings
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import TQDMProgressBar
from torch.utils.data import DataLoader


class Progress(TQDMProgressBar):
    """One bar that says what is going on and goes away when it is done."""

    def __init__(self, what: str) -> None:
        super().__init__(refresh_rate=5)
        self.what = what

    def init_predict_tqdm(self) -> Any:
        return self._named(super().init_predict_tqdm())

    def init_train_tqdm(self) -> Any:
        return self._named(super().init_train_tqdm())

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """The metrics under their last word, since the bar itself says which stage and strategy."""
        found = super().get_metrics(trainer, pl_module)
        return {name.rpartition("/")[2]: value for name, value in found.items() if name != "v_num"}

    def _named(self, shown: Any) -> Any:
        shown.set_description(self.what)
        shown.leave = False
        return shown


def predicted(
    trainer: Callable[..., pl.Trainer], module: pl.LightningModule, loader: DataLoader, what: str
) -> Iterable[Any]:
    """What `predict_step` returned for every batch of the loader, in its order, as one stream."""
    quiet()
    runner = trainer(logger=False, enable_checkpointing=False, callbacks=[Progress(what)], enable_model_summary=False)
    return chain.from_iterable(runner.predict(module, loader) or ())


def quiet() -> None:
    """Silences Lightning's notes on devices, workers and upgrades."""
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*does not have many workers")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
