"""Reads a target's number of weights and its context length from the headers of its files, without loading it."""

import json
from math import prod
from pathlib import Path

from sppl.models.loading import context_length, explain_reading_errors
from sppl.models.target import TargetModel
from sppl.schemas import UserError


def parameters_of(target: TargetModel) -> int | None:
    """Returns the number of weights of a model (an adapter with its base); None where no safetensors are here.

    Files of a hub id are looked for where they were downloaded to; nothing is fetched.
    """
    folder = _folder(target)
    files = sorted(folder.glob("*.safetensors")) if folder else []
    return sum(map(_weights, files)) or None


def context_of(target: TargetModel) -> int | None:
    """Returns the tokens the target can read and write in all; None where no configuration here names a limit.

    Raises:
        UserError: its configuration cannot be read.
    """
    from transformers import AutoConfig

    if not (folder := _folder(target)):
        return None
    with explain_reading_errors(str(folder)):
        return context_length(AutoConfig.from_pretrained(folder, trust_remote_code=target.trust_remote_code))


def _folder(target: TargetModel) -> Path | None:
    """Where the files of the target (of its base, if it is an adapter) are; None where that is no folder here."""
    if target.is_gguf:
        return None
    try:
        path, revision = target.base or (target.path, target.revision)
    except (UserError, OSError):
        return None
    return Path(path) if Path(path).is_dir() else _downloaded(path, revision)


def _downloaded(name: str, revision: str | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(name, "config.json", revision=revision)
    except ValueError:  # a path, and none that is there
        return None
    return Path(found).parent if isinstance(found, str) else None


def _weights(file: Path) -> int:
    """Numbers in a safetensors file; its first 8 bytes tell how long the header is, which is JSON."""
    with file.open("rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    return sum(prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
