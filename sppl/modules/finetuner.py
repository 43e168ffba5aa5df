"""Fine-tuning as a LightningModule: the loss of response tokens, the optimiser, and what a checkpoint holds."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.strategies import ParallelStrategy
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from sppl.data.batches import Batch
from sppl.modules.training import Training
from sppl.schemas import UserError

CHUNK = 2**26
"""Logits computed at once; 256 MiB of float32."""


class Finetuner(pl.LightningModule):
    """Trains a causal model on the response tokens (end of sequence included) of the steps it is given.

    One training step is one optimiser step over all its batches: the loss is the sum over all response tokens of the
    step, on all devices, divided by their number, however they are split. What is random in a step (dropout) is
    seeded by the seed, the step and the device, so a resumed run needs no generator's state.

    Args:
        model: a causal model of transformers, bare or wrapped by PEFT; what requires gradients is trained.
        training: the settings.
        steps: optimiser steps in all, for the schedule.
        seed: of dropout.
        name: what stands before `/loss` in the logs.
    """

    def __init__(self, model: nn.Module, *, training: Training, steps: int, seed: int, name: str = "finetune") -> None:
        super().__init__()
        self.model = model
        self.training_settings = training
        self.steps = steps
        self.seed = seed
        self.name = name
        self.automatic_optimization = False
        self.strict_loading = False

    def on_fit_start(self) -> None:
        self.model.train()

    def training_step(self, batches: list[Batch], index: int) -> None:
        optimizer, scheduler = self.optimizers(), self.lr_schedulers()
        torch.manual_seed((self.seed * 1_000_003 + self.global_step) * 1_009 + self.global_rank)
        optimizer.zero_grad()
        losses = []
        for number, batch in enumerate(batches, 1):
            with nullcontext() if number == len(batches) else self._no_sync():
                loss = summed_loss(self.model, batch) / batch["tokens"]
                # devices average their gradients, the step's loss is their sum
                self.manual_backward(loss * self.trainer.world_size)
            losses.append(loss.detach())
        self._check(batches, losses)
        optimizer.step()
        scheduler.step()
        self.log(f"{self.name}/loss", torch.stack(losses).sum(), prog_bar=True, sync_dist=True, reduce_fx="sum", on_step=True)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        if self.training_settings.clip:
            self.clip_gradients(optimizer, self.training_settings.clip, "norm")

    def validation_step(self, batches: list[Batch], index: int) -> None:
        for batch in batches:
            self.log("validation/loss_sum", summed_loss(self.model, batch), sync_dist=True, reduce_fx="sum")

    def configure_optimizers(self) -> Any:
        settings = self.training_settings
        trained = [weight for weight in self.parameters() if weight.requires_grad]
        groups = [
            {"params": [weight for weight in trained if weight.ndim > 1], "weight_decay": settings.weight_decay},
            {"params": [weight for weight in trained if weight.ndim <= 1], "weight_decay": 0.0},
        ]
        # clipping in half precision needs the gradients unscaled first, which a fused step would do itself
        fused = settings.precision != "16-mixed"
        optimizer = torch.optim.AdamW(
            [group for group in groups if group["params"]], lr=settings.learning_rate, betas=settings.betas, fused=fused
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, self.steps, settings))
        return [optimizer], [schedule]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        trained = {name for name, weight in self.named_parameters() if weight.requires_grad}
        checkpoint["state_dict"] = {name: checkpoint["state_dict"][name] for name in sorted(trained)}

    def _check(self, batches: Sequence[Batch], losses: Sequence[Tensor]) -> None:
        finite = bool(torch.stack(losses).isfinite().all())
        if not self.trainer.strategy.reduce_boolean_decision(finite):
            broken = [name for batch, loss in zip(batches, losses, strict=True) if not loss.isfinite() for name in batch["ids"]]
            raise UserError(
                f"the loss of step {self.global_step + 1} is not finite; its examples: {', '.join(broken) or 'elsewhere'}"
                "; lower learning_rate, or train in another precision; the last checkpoint holds the weights before"
            )

    def _no_sync(self) -> Any:
        strategy = self.trainer.strategy
        return strategy.block_backward_sync() if isinstance(strategy, ParallelStrategy) else nullcontext()


def summed_loss(model: nn.Module, batch: Batch) -> Tensor:
    """The sum of the negative log-likelihoods (nats) of a batch's response tokens; the head runs on these only."""
    decoder, head = model.get_decoder(), model.get_output_embeddings()
    output = decoder(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False)
    hidden = output.last_hidden_state.flatten(0, 1)[batch["where"]]

    def loss(hidden: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(head(hidden).float(), labels, reduction="sum")

    size = max(1, CHUNK // head.weight.shape[0])
    if len(hidden) <= size:
        return loss(hidden, batch["labels"])
    parts = zip(hidden.split(size), batch["labels"].split(size), strict=True)
    return torch.stack([checkpoint(loss, *part, use_reentrant=False) for part in parts]).sum()


def rate(step: int, steps: int, training: Training) -> float:
    """The learning rate of a step (from 0), as a fraction of its peak."""
    warm = math.ceil(training.warmup * steps)
    if step < warm:
        return step / warm
    progress = (step - warm) / max(1, steps - warm)
    if training.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * progress))
    return 1 - progress if training.schedule == "linear" else 1.0
