"""The settings of fine-tuning: everything that shapes the result apart from the seed and the data."""

from dataclasses import dataclass
from typing import Literal

from sppl.models.lora import Lora


@dataclass(frozen=True)
class Training:
    """How a model is fine-tuned; two equal values with equal seed and data give equal weights.

    Args:
        epochs: passes over the examples.
        batch_size: examples per forward pass, counted over all devices.
        accumulate: forward passes per optimiser step; a step learns from `batch_size * accumulate` examples.
        learning_rate: the peak, reached after the warm-up.
        weight_decay: of AdamW, on matrices only (not on biases and norms).
        betas: of AdamW.
        schedule: of the learning rate after the warm-up: to zero along a half cosine or a line, or constant.
        warmup: fraction of all steps in which the learning rate grows from zero.
        clip: largest norm of the gradient; 0 does not clip.
        precision: as Lightning calls it; `-mixed` keeps what is trained in float32 and computes in 16 bits.
        max_tokens: longest example, prompt and response together; None: as long as the model can read.
        overlong: what happens to a longer one: `refuse` all work, or `cut` its end off.
        batching: `padded` rows, or `packed` ones in which examples follow each other without seeing each other. The
            examples of a step are the same, and of similar length, either way.
        lora: adapters to train; None trains all weights.
        activation_checkpointing: recompute activations in the backward pass: less memory, a third more time.
        select: the `final` weights, or those with the `best` loss on validation examples after an epoch.
        n_validation: how many questions of the validation split select the best weights; unused by `final`.
    """

    epochs: int = 3
    batch_size: int = 16
    accumulate: int = 1
    learning_rate: float = 2e-4
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = 0.1
    clip: float = 1.0
    precision: Literal["32-true", "bf16-true", "bf16-mixed", "16-mixed"] = "32-true"
    max_tokens: int | None = None
    overlong: Literal["refuse", "cut"] = "refuse"
    batching: Literal["padded", "packed"] = "padded"
    lora: Lora | None = None
    activation_checkpointing: bool = False
    select: Literal["final", "best"] = "final"
    n_validation: int = 100
