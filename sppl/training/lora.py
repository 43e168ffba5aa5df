"""Low-rank adapters: their settings, and adding them to a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sppl.bounds import Count, Fraction, misfits
from sppl.models.target import quiet_peft
from sppl.schemas import UserError

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Lora:
    """Settings of low-rank adapters (arXiv 2106.09685): W x becomes W x + alpha / rank * B A x.

    Args:
        rank: rows of A and columns of B.
        alpha: numerator of the scale.
        dropout: probability of zeroing an input of A while training.
        targets: last names of the linear layers that get an adapter.
    """

    rank: Count = 8
    alpha: Count = 16
    dropout: Fraction = 0.0
    targets: tuple[str, ...] = ("q_proj", "v_proj")

    def __post_init__(self) -> None:
        if wrong := misfits(self):
            raise UserError(f"these settings of training.lora cannot be used: {'; '.join(wrong)}")


def add_lora(model: PreTrainedModel, lora: Lora) -> PeftModel:
    """Returns the model with fresh adapters, all other weights frozen.

    PEFT changes the given model in place and a second call would stack on the first, so hand over a freshly loaded
    one. A is drawn from torch's global generator: seed it before. B is zero, so the outputs are unchanged at first.

    Raises:
        UserError: the model has no linear layer of one of the names (the message lists those it has), or one of them is
            a head that shares its weights with the embedding.
    """
    from peft import LoraConfig, TaskType, get_peft_model
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    linear = (nn.Linear, Conv1D)  # the second is what GPT-2 is made of
    names = {name.rpartition(".")[2] for name, part in model.named_modules() if isinstance(part, linear)}
    if missing := [name for name in lora.targets if name not in names]:
        raise UserError(
            f"training.lora.targets names {', '.join(missing)}, of which {type(model).__name__} has no linear "
            f"layer; it has {', '.join(sorted(names))}"
        )
    _refuse_tied(model, lora)
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.targets),
        task_type=TaskType.CAUSAL_LM,
    )
    with quiet_peft():
        return get_peft_model(model, config)  # pyright: ignore[reportReturnType]


def _refuse_tied(model: PreTrainedModel, lora: Lora) -> None:
    """Refuses an adapter on an output head that shares the embedding's weights: it would count for one of them only."""
    head, embedding = model.get_output_embeddings(), model.get_input_embeddings()
    name = next((name.rpartition(".")[2] for name, part in model.named_modules() if part is head), "")
    if head is not None and name in lora.targets and head.weight is embedding.weight:  # pyright: ignore
        raise UserError(
            f"training.lora.targets names {name}, which in this {type(model).__name__} shares its weights with the "
            "embedding, so an adapter cannot belong to it alone; leave it out: "
            f"'training.lora.targets=[{','.join(one for one in lora.targets if one != name)}]'"
        )
