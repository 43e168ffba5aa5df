"""Reads models in GGUF files, as other runtimes use them, with their weights dequantised."""

import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sppl.schemas import UserError

MAGIC = b"GGUF"


def load_gguf(file: Path, dtype: str) -> Any:
    """Returns the model of a GGUF file as an ordinary model of transformers.

    Raises:
        UserError: the package that reads such files is missing, or the file is broken or of an unknown architecture.
    """
    import torch
    from transformers import AutoModelForCausalLM

    with _reading(file):
        read: Any = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=dtype)
    config, weights = read.config, read.state_dict()
    del config.quantization_config  # what was read counts as quantised, and could neither be trained nor saved
    config._name_or_path = ""
    with torch.device("meta"):
        model = type(read)(config)
    model.load_state_dict(weights, assign=True)
    model.tie_weights()
    for name, part in read.named_buffers():  # such as rotary frequencies, which no state dict holds
        owner, _, own = name.rpartition(".")
        setattr(model.get_submodule(owner), own, part)
    model.generation_config = read.generation_config
    return model.eval()


def load_gguf_tokenizer(file: Path) -> Any:
    """Returns the tokenizer of a GGUF file.

    Raises:
        UserError: see `load_gguf`.
    """
    from transformers import AutoTokenizer

    with _reading(file):
        return AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)


def convert(file: Path, folder: Path) -> None:
    """Writes the model and tokenizer of a GGUF file as a folder of transformers, whole or not at all.

    Raises:
        UserError: see `load_gguf`.
    """
    made = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(made, ignore_errors=True)
    load_gguf(file, "float32").save_pretrained(made)
    load_gguf_tokenizer(file).save_pretrained(made)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    if find_spec("gguf") is None:
        raise UserError(
            f"{file} is read by the package gguf, which is not here: python -m pip install -c constraints.txt -e "
            "'.[gguf]'"
        )
    with file.open("rb") as stream:
        if stream.read(4) != MAGIC:
            raise UserError(f"{file} is no GGUF file: it does not begin with {MAGIC.decode()}")
    try:
        yield
    except (ValueError, KeyError, IndexError, TypeError, OSError, NotImplementedError, struct.error) as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise UserError(
            f"the GGUF file {file} ({file.stat().st_size:,} bytes) cannot be read ({reason}): it is cut short, or of "
            "an architecture or tokenizer that transformers does not know. Compare its size and hash with its source, "
            "or take the model as a folder: target_model.path=FOLDER"
        ) from error
