"""Shared parts of loading models: spellings of dtypes, checks before and after, one sentence per failure."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sppl.schemas import UserError

if TYPE_CHECKING:
    from torch import nn

DTYPES = {
    "float32": ("fp32", "float"),
    "bfloat16": ("bf16",),
    "float16": ("fp16", "half"),
    "float64": ("fp64", "double"),
}
"""Names of the dtypes of weights, each with its other spellings."""


def dtype_name(given: str, key: str) -> str:
    """Returns the canonical name of a dtype.

    Args:
        given: `bf16`, `torch.bfloat16`, `bfloat16`, ...
        key: the setting it was given to, for the message.

    Raises:
        UserError: there is no such dtype.
    """
    word = str(given).lower().removeprefix("torch.")
    for name, others in DTYPES.items():
        if word == name or word in others:
            return name
    there = ", ".join(f"{name} ({', '.join(others)})" for name, others in DTYPES.items())
    raise UserError(f"{key}={given}: weights can be {there}")


def context_length(config: Any) -> int | None:
    """Returns how many tokens a model (of a wrapper its text model) can read and write in all; None if unlimited."""
    config = config.get_text_config()
    for name in ("max_position_embeddings", "max_seq_len"):  # the latter is MPT's
        found = getattr(config, name, None)
        if isinstance(found, int) and found > 0:
            return found
    return None


def body_of(model: Any) -> Any:
    """Returns the model without its output head, adapters included; it gives hidden states."""
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    part = bare.base_model
    return bare.model if part is bare else part  # Llama 4 names a part of its wrapper instead


def embedding_rows(model: Any) -> int:
    """Returns how many different tokens a model can read."""
    return model.get_input_embeddings().weight.shape[0]


def refuse_config(config: Any, path: str) -> None:
    """Refuses models that can neither be scored nor trained here, before any weight is read.

    Raises:
        UserError: the weights are quantised, or the model reads and writes with two different parts.
    """
    text = config.get_text_config(decoder=True)
    for part in (config, text):
        found = getattr(part, "quantization_config", None)
        if found:
            said = found if isinstance(found, dict) else vars(found)
            method = getattr(said.get("quant_method"), "value", said.get("quant_method")) or "an unnamed method"
            raise UserError(
                f"the weights of {path} are quantised ({method}), so they can be neither trained nor scored as the "
                "model they stand for. Take the model they were made from, in 16 or 32 bits: target_model.path=FOLDER"
            )
    if getattr(config, "is_encoder_decoder", False):
        raise UserError(
            f"{path} is a {config.model_type}, which reads a question with an encoder and answers with a decoder; a "
            "target continues what it reads: target_model.path=FOLDER of a causal language model"
        )


def check_weights(model: "nn.Module", found: dict[str, Any], path: str) -> None:
    """Refuses a model some of whose weights are missing or are no numbers.

    Args:
        found: what transformers reports about loading.

    Raises:
        UserError: there are some; the message names them.
    """
    missing = sorted(map(str, found.get("missing_keys", [])))
    if missing:  # transformers would fill them with random numbers
        raise UserError(
            f"{path} is no trained causal language model: {_few(missing)} missing from its weights. Give the folder "
            "of a whole model: target_model.path=FOLDER"
        )
    bad = [name for name, weight in model.named_parameters() if not _finite(weight)]
    if bad:
        dtype = str(next(iter(model.parameters())).dtype).removeprefix("torch.")
        wider = "; numbers too large for float16 become infinite: target_model.dtype=bfloat16" * (dtype == "float16")
        raise UserError(
            f"the weights of {path} hold numbers that are not finite in {dtype}: {_few(bad)}{wider}. Compare the "
            "files with their source, or give another model: target_model.path=FOLDER"
        )


HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
"""What a model may be called on the hub."""


class explain_reading_errors:  # noqa: N801 - reads as a statement: `with reading(path):`
    """Within this block, whatever makes reading a model fail is raised as one sentence.

    Args:
        path: the model that is read.
        sentence: makes the error from the reason; None for the error about the target model.
    """

    def __init__(self, path: str, sentence: Callable[[str], UserError] | None = None) -> None:
        self.path, self.sentence = path, sentence

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, UserError | MemoryError) or _memory(error):
            return
        kind_of = "" if isinstance(error, OSError | ValueError) else f"{type(error).__name__}: "
        reason = kind_of + " ".join(str(error).split())[:300]
        if self.sentence:
            raise self.sentence(f"cannot be loaded: {reason}") from error
        if "trust_remote_code" in str(error):
            raise UserError(
                f"the target model at {self.path!r} comes with Python code of its own, which is not run unasked; "
                "read it, and if you trust it: target_model.trust_remote_code=true"
            ) from error
        if "does not support an attention implementation" in str(error):
            raise UserError(
                f"the target model at {self.path!r} cannot compute its attention in the way asked for; take its own: "
                "target_model.attention=eager"
            ) from error
        if unknown := re.match(r"Unrecognized configuration class <class '.*\.(\w+?)(?:Config)?'>", str(error)):
            raise UserError(
                f"{self.path} is a {unknown[1]}, which is no causal language model; a model that also reads pictures "
                "mostly has one inside: save it as a folder of its own, target_model.path=FOLDER"
            ) from error
        here = Path(self.path).exists()
        if not here and not HUB_ID.fullmatch(self.path):
            raise UserError(
                f"the target model cannot be loaded from {self.path!r}, where there is nothing. Put it back if "
                "something removed it, or give a folder with config.json, tokenizer and safetensors weights: "
                "target_model.path=FOLDER"
            ) from error
        where = "the folder" if here else "neither a folder here nor a hub id that can be reached:"
        raise UserError(
            f"the target model cannot be loaded from {self.path!r} ({where} {self.path}: {reason}). "
            "Give a folder with config.json, tokenizer and safetensors weights: target_model.path=FOLDER"
        ) from error


def _memory(error: Exception) -> bool:
    """Whether it is torch's own error of too little memory, which is reported elsewhere."""
    return type(error).__name__ == "OutOfMemoryError"


def _finite(weight: Any) -> bool:
    import torch

    if not weight.is_floating_point() or not weight.numel():
        return True
    low, high = torch.aminmax(weight.detach())  # both are NaN where one number is; nothing is copied
    return bool(torch.isfinite(low) and torch.isfinite(high))


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
