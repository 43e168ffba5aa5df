"""Refuses job records that name unknown components: what a record names would be called."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sppl.schemas import UserError

NAMED = re.compile(r"""_target_['"]?\s*[:=]\s*['"]?([\w.]+)""")
"""Matches where a configuration file or an argument names a component."""


def find_components(folders: Iterable[Path], *texts: str) -> frozenset[str]:
    """Returns the components named in the YAML files of configuration folders, or in further texts."""
    files = (path for folder in folders for path in folder.rglob("*.yaml"))
    return frozenset(name for text in (*(path.read_text() for path in files), *texts) for name in NAMED.findall(text))


def find_foreign(config: Any, known: frozenset[str]) -> str:
    """Returns the first component in a record's configuration that is not among the known ones; empty if none is.

    Records lie in folders that others may write to. An interpolation counts as unknown too, because resolving it could
    read the environment.
    """
    return next((name for name in _called(config) if name not in known), "")


def refuse_foreign(record: Path, config: Mapping[Any, Any], known: frozenset[str]) -> None:
    """Refuses the record of a job that names a component which neither the command nor its configuration names.

    Raises:
        UserError: it names one; nothing of it has been called.
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
