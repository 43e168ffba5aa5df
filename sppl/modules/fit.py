"""One call that fine-tunes a model and can be killed and repeated."""

import logging
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger
from torch import nn

from sppl.data.batches import Example, Steps, fit_length
from sppl.modules.checkpoints import Checkpoints, last_checkpoint
from sppl.modules.finetuner import Finetuner
from sppl.modules.training import Training

log = logging.getLogger(__name__)


def fit(
    model: nn.Module,
    examples: Sequence[Example],
    *,
    training: Training,
    trainer: Callable[..., pl.Trainer],
    seed: int,
    folder: Path,
    loggers: list[Logger],
    validation: Sequence[Example] | None = None,
    save_seconds: float = 20.0,
    save_total: int = 2,
) -> None:
    """Trains the model in place; when it returns, the model holds the final (or best) weights.

    Goes on from the last checkpoint in the folder, to the same weights, bit by bit on one CPU, that an uninterrupted
    run ends with.

    Args:
        model: a causal model, freshly loaded; wrapped by `add_lora` where `training.lora` says so.
        examples: what is learnt.
        training: the settings.
        trainer: a `functools.partial` of `pl.Trainer` that says where and on how many devices; a new Trainer is made.
        seed: of the order of the examples and of dropout.
        folder: of the checkpoints, this run's own; removed by the caller once the model is saved.
        loggers: Lightning's.
        validation: examples for `training.select == "best"`.
        save_seconds: time between checkpoints.
        save_total: how many checkpoints are kept.

    Raises:
        UserError: an example is too long or empty; the loss is not finite; the folder holds another run's checkpoints.
    """
    data = Steps(
        fit_length(examples, training.max_tokens, training.overlong),
        batch_size=training.batch_size,
        accumulate=training.accumulate,
        seed=seed,
        batching=training.batching,
    )
    _prepare(model, training)
    folder.mkdir(parents=True, exist_ok=True)
    run = trainer(
        max_epochs=training.epochs,
        precision=training.precision,
        callbacks=[Checkpoints(folder, data, seconds=save_seconds, save_total=save_total)],
        logger=loggers,
        enable_checkpointing=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    module = Finetuner(model, training=training, steps=training.epochs * len(data), seed=seed)
    checkpoint = last_checkpoint(folder)
    if checkpoint:
        log.info("going on from %s", checkpoint)
    with warnings.catch_warnings():
        # how often is the caller's choice, and short runs are no mistake
        warnings.filterwarnings("ignore", "The number of training batches .* is smaller than the logging interval")
        warnings.filterwarnings("ignore", "You defined a `validation_step` but have no `val_dataloader`")
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
        run.fit(module, train_dataloaders=data, ckpt_path=checkpoint, weights_only=True)


def _prepare(model: nn.Module, training: Training) -> None:
    if training.lora is None:
        model.requires_grad_(True)
    if training.precision == "bf16-true":
        model.to(torch.bfloat16)
    elif training.precision == "32-true":
        model.to(torch.float32)
    else:
        for weight in model.parameters():
            if weight.requires_grad:
                weight.data = weight.data.float()
    model.train()
