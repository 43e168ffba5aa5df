"""Records of jobs that are not ours: what they name is called, so only what we name ourselves may stand in them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sppl.schemas import UserError

NAMED = re.compile(r"""_target_['"]?\s*[:=]\s*['"]?([\w.]+)""")
"""How a configuration file or an argument names a component."""


def find_components(folders: Iterable[Path], *texts: str) -> frozenset[str]:
    """The components that the YAML files of configuration folders, or further texts of the kind, name."""
    files = (path for folder in folders for path in folder.rglob("*.yaml"))
    return frozenset(name for text in (*(path.read_text() for path in files), *texts) for name in NAMED.findall(text))


def find_foreign(config: Any, known: frozenset[str]) -> str:
    """What a record's configuration names that nothing of ours does; empty if all is known.

    Records lie in folders that others may write to, and what they name is called. An interpolation is foreign too:
    records are resolved, and resolving one could read the environment.
    """
    return next((name for name in _called(config) if name not in known), "")


def refuse_foreign(record: Path, config: Mapping[Any, Any], known: frozenset[str]) -> None:
    """Refuses a record of a job that names components which neither the command nor its configuration files name.

    Raises:
        UserError: it does; nothing of it has been called.
    """
    if name := find_foreign(config, known):
        raise UserError(
            f"{record} asks for {name!r}, which neither this command nor its configuration files name, so it is not "
            f"ours and nothing of it is run. Remove {record.parent} and run the same command again"
        )


def _called(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "_target_" in value:
            yield str(value["_target_"])
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _called(part)
    elif isinstance(value, str) and "${" in value:
        yield value
