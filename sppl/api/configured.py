"""Makes components by their names on the command line, with the defaults of their configuration files."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import yaml

from sppl.commands import CHECKOUT
from sppl.packaged import conf
from sppl.schemas import UserError

BY_COMMAND = {
    "metric": "benchmark=local data_dir=FOLDER target_model.path=PATH "
    "'stage=[generate,pilot_finetune,pilot_benchmark,predict,score,rank]' "
}
"""What says the rest of a comparison by the command."""


def names_in(group: str) -> list[str]:
    """Returns the names that a configuration group has."""
    return sorted(path.stem for path in (conf() / group).glob("*.yaml"))


def settings_of(group: str, name: str) -> dict[str, Any]:
    """Returns the settings in a configuration file.

    Raises:
        UserError: there is none of that name; the message lists those there are.
    """
    path = conf() / group / f"{name}.yaml"
    if name not in names_in(group):
        raise UserError(f"there is no {group} {name!r}; there are {', '.join(names_in(group))}")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def configured(group: str, name: str) -> Any:
    """Makes the component that a configuration file names, with the file's settings.

    Raises:
        UserError: there is none of that name, or the file takes settings from others, which only the command reads.
    """
    settings = settings_of(group, name)
    if "${" in str(settings) or "defaults" in settings:
        raise UserError(
            f"{group} {name} takes settings from other groups, which only the command has (docs/own_data.md): "
            f"{CHECKOUT} {BY_COMMAND.get(group, '')}{group}={name}"
        )
    return _made(settings)


def _made(value: Any) -> Any:
    if isinstance(value, list):
        return [_made(part) for part in value]
    if not isinstance(value, Mapping):
        return value
    parts = {str(key): _made(part) for key, part in value.items() if key != "_target_"}
    if "_target_" not in value:
        return parts
    module, _, name = value["_target_"].rpartition(".")
    return getattr(import_module(module), name)(**parts)
