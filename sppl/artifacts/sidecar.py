"""The JSON beside an artifact, which says what the artifact was made of."""

import json
import shlex
from pathlib import Path
from typing import Any

from sppl.schemas import UserError


def sidecar_of(path: Path) -> Path:
    """Returns the path of the JSON beside an artifact's data."""
    return path.with_name(path.name.removesuffix(".parquet") + ".json")


def read_sidecar(path: Path) -> dict[str, Any]:
    """Returns the provenance in a sidecar.

    Raises:
        UserError: it is missing, broken, or lacks the settings or the digest.
    """
    data = path.with_suffix("") if path.with_suffix("").exists() else path.with_suffix(".parquet")
    try:
        facts = json.loads(path.read_text())
        return {**facts, "settings": facts["settings"], "digest": facts["digest"]}
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise broken_error(data, f"its provenance {path.name} cannot be read ({error!r})") from None


def broken_error(path: Path, what: str) -> UserError:
    """Returns the error that names a broken artifact and the command that removes it."""
    both = f"{shlex.quote(str(path))} {shlex.quote(str(sidecar_of(path)))}"
    return UserError(
        f"{path} is broken: {what}. Remove it (rm -r {both}) and run the same command again; only this piece is made "
        "anew."
    )
