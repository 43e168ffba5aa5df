"""Fine-tunes a model in one call that may be killed at any moment and resumes when repeated."""

import logging
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger
from torch import nn
from transformers import PreTrainedModel

from sppl.artifacts.provenance import fingerprint
from sppl.hardware.trainer import errors_of_processes
from sppl.models.loading import context_length
from sppl.schemas import UserError
from sppl.training.batches import Example, Steps, fit_length
from sppl.training.checkpoints import Best, Checkpoints, last_checkpoint
from sppl.training.finetuner import Finetuner
from sppl.training.packing import packs
from sppl.training.training_settings import Training

log = logging.getLogger(__name__)


def fit(
    model: PreTrainedModel,
    examples: Sequence[Example],
    *,
    training: Training,
    trainer: Callable[..., pl.Trainer],
    seed: int,
    folder: Path,
    loggers: Sequence[Logger],
    callbacks: Sequence[pl.Callback] = (),
    name: str = "finetune",
    validation: Sequence[Example] | None = None,
    save_seconds: float = 20.0,
    save_total: int = 2,
) -> None:
    """Trains the model in place; when it returns, the model holds the final (or best) weights.

    Goes on from the last checkpoint in the folder that was made with these settings, seed and examples, and ends with
    the weights an uninterrupted run ends with: bit by bit on one CPU.

    Args:
        model: a causal model, freshly loaded; wrapped by `add_lora` where `training.lora` says so.
        examples: the training examples.
        training: the settings.
        trainer: makes a new `pl.Trainer`, such as `Hardware`; it decides on which devices.
        seed: of the order of the examples and of dropout.
        folder: of the checkpoints; removed by the caller once the model is saved.
        loggers: Lightning's.
        callbacks: further ones, e.g. a progress bar.
        name: what stands before `/loss` in the logs.
        validation: examples for `training.select == "best"`; their loss is logged after every epoch.
        save_seconds: time between checkpoints.
        save_total: how many checkpoints are kept.

    Raises:
        UserError: an example is too long or empty, the settings cannot be followed, or the loss is not finite.
    """
    if training.precision == "bf16-true":
        log.warning("bf16-true keeps what is trained in 16 bits: steps smaller than a 256th of a weight are lost")
    train, held_out = _steps(model, examples, validation or (), training, seed)
    folder.mkdir(parents=True, exist_ok=True)
    run = _run_name(training, seed, train, held_out)
    best = [Best(folder / f"{run}-best.safetensors")] if training.select == "best" else []
    with _quiet(), _prepared(model, training):
        runner = trainer(
            max_epochs=training.epochs,
            precision=training.precision,
            callbacks=[*callbacks, *best, Checkpoints(folder, run, train, seconds=save_seconds, save_total=save_total)],
            logger=list(loggers),
            enable_checkpointing=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        if runner.precision != training.precision:
            raise UserError(
                f"precision {training.precision} needs a GPU; on a CPU use training.precision=32-true or bf16-mixed"
            )
        steps = training.epochs * len(train)
        module = Finetuner(model, training=training, steps=steps, seed=seed, name=name)
        each = runner.log_every_n_steps  # type: ignore[attr-defined]  # set by a connector of Lightning's
        runner.log_every_n_steps = min(each, steps)  # type: ignore[attr-defined]  # a short training is logged, too
        checkpoint = last_checkpoint(folder, run)
        if checkpoint:
            log.info("going on from %s", checkpoint)
        with errors_of_processes():
            runner.fit(module, train, held_out, ckpt_path=checkpoint, weights_only=True)
        for kept in best:
            kept.load(module)


def _steps(
    model: PreTrainedModel, examples: Sequence[Example], validation: Sequence[Example], training: Training, seed: int
) -> tuple[Steps, Steps | None]:
    if training.select == "best" and not validation:
        raise UserError(
            "training.select=best needs validation examples; use select=final, or a benchmark that has some"
        )
    limit = min(filter(None, [training.max_tokens, context_length(model.config)]), default=None)
    flash = "flash" in (model.config.get_text_config()._attn_implementation or "")
    size, batching = training.batch_size, training.batching
    if batching == "packed" and not packs(model):
        log.warning("%s is trained with padding: packed examples would see each other", _class_of(model))
        batching = "padded"
    train = Steps(
        fit_length(examples, limit, training.overlong),
        size,
        training.accumulate,
        seed,
        batching=batching,
        one_row=flash,
    )
    if not validation:
        return train, None
    kept = fit_length(validation, limit, training.overlong)
    everything = math.ceil(len(kept) / size)
    return train, Steps(kept, size, everything, batching=batching, one_row=flash, shuffle=False)


def _class_of(model: Any) -> str:
    return type(model.get_base_model() if hasattr(model, "get_base_model") else model).__name__


def _run_name(training: Training, seed: int, *data: Steps | None) -> str:
    digests = [sha256(repr(steps.examples).encode()).hexdigest() for steps in data if steps]
    return fingerprint({"training": training, "seed": seed, "examples": digests})


@contextmanager
def _prepared(model: PreTrainedModel, training: Training) -> Iterator[None]:
    """Within this block the model is in training mode, its weights in the precision they are trained in."""
    if training.lora is None:
        model.requires_grad_(True)
    if training.precision in ("32-true", "bf16-true"):
        nn.Module.to(model, torch.float32 if training.precision == "32-true" else torch.bfloat16)
    else:
        for weight in model.parameters():
            weight.data = weight.data.float() if weight.requires_grad else weight.data
    model.train()
    yield
    model.eval()


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        # short runs and runs without validation are no mistakes
        warnings.filterwarnings("ignore", "The number of training batches .* is smaller than the logging interval")
        warnings.filterwarnings("ignore", "You defined a `validation_step` but have no `val_dataloader`")
        # what Lightning asks torch by an old name
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning)
        yield
