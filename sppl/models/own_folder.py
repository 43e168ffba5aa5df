"""Reads the settings of a user's own model off its folder: its name, the dtype of its weights, its template."""

import json
from pathlib import Path
from typing import Any

from sppl.names import as_name
from sppl.packaged import lab_checkpoint


def read_own_model(what: str, path: str) -> str:
    """Returns the `name`, `dtype` or `template` of a model by its folder or hub id, for the configuration."""
    folder = lab_checkpoint() if path == "lab" else Path(path)
    if what == "name":
        return _name(path)
    if what == "dtype":
        return _dtype(folder)
    return "paper" if _without_template(folder) else "chat"


def _name(path: str) -> str:
    """The last part of the path, or of what a relative one like `.` leads to."""
    return as_name(str(Path(path).resolve()) if Path(path).exists() else path) or "own"


def _dtype(folder: Path) -> str:
    """What its configuration says; an adapter, a GGUF file or a hub id says nothing here."""
    config = _read(folder / "config.json")
    text = config.get("text_config")
    parts = [config, text if isinstance(text, dict) else {}]
    said = next((one[key] for one in parts for key in ("dtype", "torch_dtype") if isinstance(one.get(key), str)), "")
    if said:
        return said
    return "float32" if folder.exists() else "bfloat16"


def _without_template(folder: Path) -> bool:
    """Whether it is a model's folder with a tokenizer that has no chat template."""
    told = folder / "tokenizer_config.json"
    files = ("chat_template.jinja", "chat_template.json", "additional_chat_templates")
    return told.is_file() and not _read(told).get("chat_template") and not any((folder / one).exists() for one in files)


def _read(file: Path) -> dict[str, Any]:
    """A JSON file's object; nothing where it cannot be read, which whoever loads the model says better."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
