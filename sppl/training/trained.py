"""Loads fine-tuned models from PEFT folders and ordinary model folders."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from sppl.models.loading import explain_reading_errors
from sppl.models.target import TargetModel, frozen_copy, frozen_target


def load_trained(target: TargetModel, folder: Path | None) -> Any:
    """Returns the model of a folder, or without one the untrained target, in eval mode.

    An adapter is put on the one frozen copy of the target, so that models returned before become invalid.

    Raises:
        UserError: the folder has no adapter in safetensors.
    """
    if folder is None:
        return frozen_target(target)
    if (folder / "adapter_config.json").exists():
        return frozen_copy(target).wearing(folder)
    return _whole(target, folder)


@lru_cache(maxsize=1)
def _whole(target: TargetModel, folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    kind = {"dtype": target.dtype, "attn_implementation": target.attention}
    kind |= {"use_safetensors": True, "trust_remote_code": target.trust_remote_code}
    with explain_reading_errors(str(folder)):
        return AutoModelForCausalLM.from_pretrained(folder, **kind).eval().requires_grad_(False)
