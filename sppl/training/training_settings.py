"""The settings of fine-tuning: everything that shapes the result beside the seed and the data."""

from dataclasses import dataclass, field
from typing import Literal

from sppl.bounds import Count, Fraction, NotNegative, Positive, misfits
from sppl.schemas import UserError
from sppl.training.lora import Lora


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
        most_weights: a model with more weights is not trained without adapters; None: whatever its size.
        activation_checkpointing: recompute activations in the backward pass: less memory, a third more time.
        select: the `final` weights, or those with the `best` loss on validation examples after an epoch.
        n_validation: how many questions of the validation split select the best weights; unused by `final`.

    Raises:
        UserError: a value is none of those there are, or out of its range.
    """

    epochs: Count = 3
    batch_size: Count = 16
    accumulate: Count = 1
    learning_rate: Positive = 2e-4
    weight_decay: NotNegative = 0.0
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: Fraction = 0.1
    clip: NotNegative = 1.0
    precision: Literal["32-true", "bf16-true", "bf16-mixed", "16-mixed"] = "32-true"
    max_tokens: Count | None = None
    overlong: Literal["refuse", "cut"] = "refuse"
    batching: Literal["padded", "packed"] = "padded"
    lora: Lora | None = None
    most_weights: Positive | None = field(default=1e9, metadata={"identity": False})
    activation_checkpointing: bool = False
    select: Literal["final", "best"] = "final"
    n_validation: Count = 100

    def __post_init__(self) -> None:
        if wrong := misfits(self):
            raise UserError(f"these settings of training cannot be used: {'; '.join(wrong)}")
