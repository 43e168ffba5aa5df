"""Fine-tuned models on disk: one loader for PEFT folders and ordinary model folders."""

from pathlib import Path
from typing import TYPE_CHECKING

from sppl.models.lora import quiet_peft
from sppl.models.target import TargetModel

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def load_trained(target: TargetModel, folder: Path) -> "PreTrainedModel":
    """The fine-tuned model in eval mode: the target with its adapter (unmerged), or the trained weights alone."""
    if (folder / "adapter_config.json").exists():
        from peft import PeftModel

        with quiet_peft():
            return PeftModel.from_pretrained(target.load(), folder).eval()  # pyright: ignore[reportReturnType]
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=target.dtype, attn_implementation=target.attention).eval()
