"""Fine-tuning as a LightningModule: the step, the optimiser, and what a checkpoint holds."""

import math
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from functools import partial
from random import Random
from typing import Any, NoReturn

import pytorch_lightning as pl
import torch
from pytorch_lightning.core.optimizer import LightningOptimizer
from pytorch_lightning.strategies import ParallelStrategy, SingleDeviceStrategy
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.optim.lr_scheduler import LambdaLR
from transformers import PreTrainedModel

from sppl.schemas import UserError
from sppl.training.batches import Batch
from sppl.training.fused_lora import fused_lora
from sppl.training.loss import summed_loss
from sppl.training.recorded import RecordedLoss, recordable
from sppl.training.training_settings import Training


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

    def __init__(
        self, model: PreTrainedModel, *, training: Training, steps: int, seed: int, name: str = "finetune"
    ) -> None:
        super().__init__()
        self.model = model
        self.training_settings = training
        self.steps = steps
        self.seed = seed
        self.name = name
        self.automatic_optimization = False
        self.strict_loading = False
        self._step: list[Batch] = []
        self._loss: Callable[[Batch], Tensor] = partial(summed_loss, model)
        self._sharded = False
        self._recorded: RecordedLoss | None = None
        self._fused = ExitStack()
        self._native = False
        self._whole: dict[str, Tensor] | None = None

    def training_step(self, batches: list[Batch], index: int) -> None:
        """One optimiser step.

        Raises:
            UserError: the loss or the gradient is not finite, or memory does not suffice; nothing of this step is kept.
        """
        self._step = batches
        try:
            self._learn(batches)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "memory" not in str(error):
                raise
            self._out_of_memory(error)

    def _learn(self, batches: list[Batch]) -> None:
        torch.manual_seed(Random(f"{self.seed} {self.global_step} {self.global_rank}").getrandbits(63))
        optimizer, schedule = self.optimizers(), self.lr_schedulers()
        assert isinstance(optimizer, LightningOptimizer)
        assert isinstance(schedule, LambdaLR)
        optimizer.zero_grad(set_to_none=self._recorded is None)  # what was recorded adds to the same tensors
        losses = []
        for number, batch in enumerate(batches, 1):
            with nullcontext() if number == len(batches) else self._no_sync():
                losses.append(self._backward(batch))
        total = torch.stack(losses).sum()
        if self._scaled and not self.trainer.strategy.reduce_boolean_decision(bool(total.isfinite())):
            self._stop("loss")
        optimizer.step()
        schedule.step()
        self.log(f"{self.name}/loss", total, prog_bar=True, sync_dist=True, reduce_fx="sum", on_step=True)

    def _backward(self, batch: Batch) -> Tensor:
        """The batch's share of the step's loss; its gradients are added to those of the weights."""
        with self._computing():
            found = self._recorded.backward(batch) if self._recorded else None
            if found is not None:
                return found
            loss = self._loss(batch) / batch["tokens"]
        # devices average their gradients, the step's loss is their sum
        self.manual_backward(loss * self.trainer.world_size)
        return loss.detach()

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Clips the gradient, and stops where it is not finite; the same on every device, for its norm is."""
        limit = self.training_settings.clip or math.inf
        norm = nn.utils.clip_grad_norm_([weight for _, weight in self._trained()], limit)
        norm = norm.full_tensor() if isinstance(norm, DTensor) else norm
        if not self._scaled and not norm.isfinite():
            self._stop("gradient")

    def validation_step(self, batches: list[Batch], index: int) -> None:
        """Logs the mean loss (nats per response token) of the validation examples."""
        with self._computing():
            losses = [self._loss(batch) / batch["tokens"] for batch in batches]
        self.log(
            f"{self.name}/validation_loss", torch.stack(losses).sum(), sync_dist=True, reduce_fx="sum", batch_size=1
        )

    def configure_optimizers(self) -> Any:
        """AdamW, and the learning rate's schedule per step."""
        settings = self.training_settings
        matrices = [weight for _, weight in self._trained() if weight.ndim > 1]
        vectors = [weight for _, weight in self._trained() if weight.ndim <= 1]
        groups = [
            {"params": matrices, "weight_decay": settings.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        # a fused step would undo the scaling of float16 gradients only after they were clipped
        optimizer = torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=settings.learning_rate,
            betas=settings.betas,
            fused=not self._scaled,
        )
        schedule = LambdaLR(optimizer, lambda step: learning_rate_share(step, self.steps, settings))
        return [optimizer], [schedule]

    def configure_model(self) -> None:
        """Prepares the model in the process that trains it; shards its weights where the strategy does that."""
        if self.training_settings.activation_checkpointing:  # not before: such a model cannot be sent to a process
            self.model.activation_checkpointing_enable({"use_reentrant": False})
        adapters = self._fused.enter_context(fused_lora(self.model))
        frozen = {weight.dtype for weight in self.model.parameters() if not weight.requires_grad}
        self._native = 2 * adapters == len(self._trained()) and frozen == {torch.bfloat16}
        if self.device_mesh is None or self._sharded:
            return
        from sppl.training.sharded_loss import ShardedLoss

        whole = ShardedLoss(self.model, self.device_mesh["data_parallel"])
        self._loss = lambda batch: whole(batch)  # as a module of this one it would list the weights twice
        self._sharded = True

    def on_fit_start(self) -> None:
        """Records steps as CUDA graphs where that pays."""
        recomputed = self.training_settings.activation_checkpointing
        alone = isinstance(self.trainer.strategy, SingleDeviceStrategy)
        if alone and not self._scaled and not recomputed and recordable(self.model):
            weights = [weight for _, weight in self._trained()]
            for weight in weights:
                weight.grad = torch.zeros_like(weight)
            self._recorded = RecordedLoss(self._loss, weights)

    def teardown(self, stage: str) -> None:
        """Leaves the model as it came; gathers sharded weights, so that this process can return them."""
        self._recorded = None
        self._fused.close()
        if self.training_settings.activation_checkpointing:
            self.model.activation_checkpointing_disable()
        if self._sharded:
            self._whole = self.trainer.strategy.lightning_module_state_dict()

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Returns the weights, gathered once training is over."""
        return super().state_dict(*args, **kwargs) if self._whole is None else self._whole

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keeps the weights that are trained."""
        checkpoint["state_dict"] = self.trained(checkpoint["state_dict"])

    def trained(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the trained ones of this module's weights."""
        return {name: state[name] for name, _ in self._trained() if name in state}

    def _trained(self) -> list[tuple[str, nn.Parameter]]:
        return [(name, weight) for name, weight in self.named_parameters() if weight.requires_grad]

    def _computing(self) -> Any:
        """Autocast as the trainer set it, without its cache; off where everything is in 16 bits anyway.

        Adapters that run fused are multiplied in the dtype of what comes in, so on frozen bfloat16 weights autocast
        would only add casts to float32 and back.
        """
        kind = self.device.type
        on = torch.is_autocast_enabled(kind) and not self._native
        return torch.autocast(kind, torch.get_autocast_dtype(kind), enabled=on, cache_enabled=False)

    @property
    def _scaled(self) -> bool:
        return self.training_settings.precision == "16-mixed"

    def _no_sync(self) -> Any:
        strategy = self.trainer.strategy
        return strategy.block_backward_sync() if isinstance(strategy, ParallelStrategy) else nullcontext()

    def _out_of_memory(self, error: BaseException) -> NoReturn:
        settings = self.training_settings
        half = math.ceil(settings.batch_size / 2)
        raise UserError(
            f"out of memory in step {self.global_step + 1} of {self.steps}, whose largest forward pass has "
            f"{max(batch['input_ids'].numel() for batch in self._step)} tokens. The same steps in half the memory: "
            f"training.batch_size={half} training.accumulate={2 * settings.accumulate}; less still: "
            "training.activation_checkpointing=true, or LoRA (trainer=gpu). Other settings train from the "
            f"beginning. ({' '.join(str(error).split())[:200]})"
        ) from error

    def _stop(self, what: str) -> NoReturn:
        examples = [name for batch in self._step for name in batch["ids"]]
        raise UserError(
            f"the {what} of step {self.global_step + 1} of {self.steps} is not finite; examples of the step: "
            f"{', '.join(examples)}. Lower training.learning_rate, or set training.precision to "
            "bf16-mixed or 32-true; the last checkpoint, from before, is kept"
        )


def learning_rate_share(step: int, steps: int, training: Training) -> float:
    """Returns the learning rate of a step (from 0), as a fraction of its peak."""
    warm = min(
        math.ceil(training.warmup * steps), steps - 1
    )  # the rate starts at zero: an only step would learn nothing
    if step < warm:
        return step / warm
    progress = (step - warm) / max(1, steps - warm)
    if training.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * progress))
    return 1 - progress if training.schedule == "linear" else 1.0
