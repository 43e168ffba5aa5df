"""A user's own model by its path alone: reads its settings off its folder, and chooses what was not typed."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from sppl.models.own_folder import read_own_model
from sppl.packaged import conf

TINY = 20_000_000
"""Weights up to which a model is trained whole, as the lab's is; above it adapters are."""
OWN = "target_model=own"
"""The first word of what is chosen."""
CONFIGS = ("config.json", "adapter_config.json")
"""Files of which a model's folder has one."""
OF_MODEL = ("name", "dtype", "template")
"""Settings that are read off a model's folder."""


def choose_for_path(arguments: Sequence[str]) -> list[str]:
    """Returns the settings that `target_model.path=...` implies; empty where it, or a target model, was not typed.

    Settings that were typed, by themselves or by an experiment's file, are left as they are.
    """
    typed = dict(one.split("=", 1) for one in arguments if "=" in one)
    path, experiment = typed.get("target_model.path"), typed.get("experiment", "")
    if path is None or "target_model" in typed or any("target_model" in one for one in _overridden(experiment)):
        return []
    chosen = [OWN]
    if not any(one.startswith("trainer") for one in typed):
        chosen.append("trainer.accelerator=auto")
    if "training" not in typed and "training" not in _overridden(experiment) and not all(map(_tiny, _each(path))):
        chosen.append("training=lora")
    return chosen


def without_chosen(words: Sequence[str]) -> list[str]:
    """The words without those that stand last because `choose_for_path` chose them for the others, as it will again."""
    for first in range(max(0, len(words) - 3), len(words)):
        if words[first] == OWN and choose_for_path(words[:first]) == list(words[first:]):
            return list(words[:first])
    return list(words)


def check_path(arguments: Sequence[str]) -> str:
    """Returns why there can be no model at the typed path; empty where there may be, as under a hub id."""
    typed = [one.partition("=")[2] for one in arguments if one.startswith("target_model.path=")]
    for path in (one for value in typed for one in _each(value)):
        place, missing = Path(path), ""
        if path.startswith(("/", "./", "../")) and not place.exists():
            missing = "where there is nothing"
        elif place.is_dir() and not _holds_model(place):
            missing = "a folder without config.json"
        if missing:
            return (
                f"target_model.path={path}: a model cannot be loaded from {path!r}, {missing}; give a folder with "
                "config.json and weights, or a hub id: target_model.path=FOLDER_OR_HUB_ID"
            )
        if said := _mistyped(path):
            return said
    return ""


def _mistyped(path: str) -> str:
    """Why a path into a folder that is here names no model, before the hub is asked for it; empty where it may be one.

    A hub id whose owner is also a folder here counts once it was downloaded.
    """
    place = Path(path)
    if path == "lab" or place.exists() or "/" not in path or not place.parent.is_dir():
        return ""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    if Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=path, repo_type="model")).is_dir():
        return ""
    there = sorted(one.name for one in place.parent.iterdir() if _holds_model(one))
    near = get_close_matches(place.name, there, n=1)
    meant = f"; did you mean target_model.path={place.parent / near[0]}?" if near else "."
    return (
        f"target_model.path={path}: no such folder{meant} Models in {place.parent}: {', '.join(there) or 'none'}. (A "
        f"hub id whose first part is also a folder here has to be downloaded first: hf download {path})"
    )


def _holds_model(place: Path) -> bool:
    return any((place / name).is_file() for name in CONFIGS) or place.suffix == ".gguf"


def describe_chosen(arguments: Sequence[str], chosen: Sequence[str]) -> str:
    """Returns one line about the models whose paths were typed, and the settings chosen for them."""
    path = next(value for key, _, value in (one.partition("=") for one in arguments) if key == "target_model.path")
    known = [
        ("" if one == "lab" or Path(one).exists() else f"{one} is no folder here, so a hub id is meant: ")
        + ", ".join(f"{what} {read_own_model(what, one)}" for what in OF_MODEL)
        for one in _each(path)
    ]
    return f"your own model: {'; '.join(known)}; unless you type another: {' '.join(chosen)}\n"


def _tiny(path: str) -> bool:
    from sppl.models.size import parameters_of
    from sppl.models.target import TargetModel

    if not Path(path).is_dir() and path != "lab":
        return False
    weights = parameters_of(TargetModel("own", path))
    return weights is not None and weights <= TINY


def _each(path: str) -> list[str]:
    """The paths of a sweep, or the one."""
    return [one.strip().strip("'\"") for one in path.split(",")]


def _overridden(experiment: str) -> set[str]:
    """The groups whose choice an experiment's file decides."""
    file = conf() / "experiment" / f"{experiment}.yaml"
    if not experiment or not file.is_file():
        return set()
    return set(re.findall(r"^\s*- override /(\w+):", file.read_text(), flags=re.MULTILINE))
