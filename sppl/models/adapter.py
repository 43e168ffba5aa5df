"""Targets that are adapters: finds their base model and merges the adapter's weights into it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from sppl.schemas import UserError

SETTINGS = "adapter_config.json"


class Base(NamedTuple):
    """The model an adapter was trained from."""

    path: str
    revision: str | None


def base_of(path: str, revision: str | None) -> Base | None:
    """Returns the model an adapter was trained from; None where the path holds no adapter.

    Raises:
        UserError: the folder holds a whole model beside it, no weights, or does not say what it was trained from.
    """
    folder = Path(path)
    if folder.is_dir():
        file = folder / SETTINGS if (folder / SETTINGS).is_file() else None
    elif folder.exists():
        return None
    else:
        from transformers.utils.peft_utils import find_adapter_config_file

        found = find_adapter_config_file(path, revision=revision)
        file = Path(found) if found else None
    if file is None:
        return None
    settings = _settings(file)
    if folder.is_dir():
        _check_folder(folder)
    named = settings.get("base_model_name_or_path")
    if not named:
        raise UserError(
            f"{path} is an adapter and does not say of which model; write it into {SETTINGS} as "
            "base_model_name_or_path, or merge the two yourself and give the folder: target_model.path=FOLDER"
        )
    beside = folder / named
    base = Base(str(beside) if not Path(named).exists() and beside.is_dir() else named, settings.get("revision"))
    if (Path(base.path) / SETTINGS).is_file():
        raise UserError(
            f"{path} is an adapter of {base.path}, which is an adapter itself; merge that one into its model, save "
            f"the folder, and name it in {SETTINGS} as base_model_name_or_path"
        )
    return base


def has_tokenizer(path: str, revision: str | None) -> bool:
    """Whether a tokenizer lies beside an adapter; otherwise its base model's is used."""
    if Path(path).is_dir():
        return any(Path(path).glob("tokenizer*"))
    from transformers.utils.hub import cached_file

    found = cached_file(
        path, "tokenizer_config.json", revision=revision,
        _raise_exceptions_for_missing_entries=False, _raise_exceptions_for_connection_errors=False,
    )  # fmt: skip
    return found is not None


def merge_adapter(model: Any, path: str, revision: str | None) -> Any:
    """Returns the model with an adapter merged into its weights, in their dtype.

    Raises:
        UserError: its kind cannot be merged, as with learnt prompts.
    """
    from peft import PeftModel

    worn: Any = PeftModel.from_pretrained(model, path, revision=revision)
    if not hasattr(worn.base_model, "merge_and_unload"):
        kind = worn.peft_config["default"].peft_type.value
        raise UserError(
            f"{path} is an adapter of the kind {kind}, which has no weights to merge into a model; give a whole "
            "model or a LoRA adapter: target_model.path=FOLDER"
        )
    _untie(worn.get_base_model())
    whole = worn.merge_and_unload()
    whole.config._name_or_path = path
    whole.name_or_path = path
    return whole


def _untie(model: Any) -> None:
    """Gives the output head its own weights where it shares the embedding's and an adapter lies on one of them.

    Merged into shared weights, the adapter of one would change the other, too.
    """
    from torch import nn

    parts = model.get_output_embeddings(), model.get_input_embeddings()
    head, embedding = (getattr(part, "base_layer", part) for part in parts)
    if (head, embedding) != parts and getattr(head, "weight", None) is embedding.weight:
        head.weight = nn.Parameter(head.weight.detach().clone(), requires_grad=False)
        model.config.get_text_config().tie_word_embeddings = False


def _settings(file: Path) -> dict[str, Any]:
    try:
        settings = json.loads(file.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{file} is broken ({error}); give another adapter: target_model.path=FOLDER") from None
    named = settings.get("base_model_name_or_path") if isinstance(settings, dict) else ""
    if not isinstance(named, str | None):
        settings = None
    if not isinstance(settings, dict):
        raise UserError(f"{file} holds no settings of an adapter; give another one: target_model.path=FOLDER")
    return settings


def _check_folder(folder: Path) -> None:
    if any(folder.glob("model*.safetensors")):
        raise UserError(
            f"{folder} holds a whole model and an adapter ({SETTINGS}), and it is not clear which is meant; put one of "
            "them into a folder of its own: target_model.path=FOLDER"
        )
    if not (folder / "adapter_model.safetensors").is_file():  # PEFT would go on and look for a pickle
        raise UserError(f"{folder} is an adapter without weights in adapter_model.safetensors; save it so that it has")
