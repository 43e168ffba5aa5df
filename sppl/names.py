"""Checks names of artifacts, folders and files, and whether a path stays inside its folder."""

import re
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=@-]{0,119}")
"""Matches names that cannot leave a folder, need no quotes, fit into a file's name and are unambiguous."""
LONGEST = 80
"""Characters of a name that is made from a path."""
NAME_RULE = "use letters, digits and . _ + = @ - (first a letter a-z, a digit or _; 120 at most)"
"""The rule for names in words, for a message."""


def as_name(path: str) -> str:
    """Returns the last part of a path or hub id, with characters that names of files may have."""
    last = path.strip().rstrip("/").rpartition("/")[2].removesuffix(".gguf")
    return re.sub(r"[^\w.+=@-]", "_", last, flags=re.ASCII).lstrip("_.-+=@")[:LONGEST]


def task_name(benchmark: str, data: str | None) -> str:
    """Returns the name of a task's folders: its benchmark, and for a user's own files (`local`) their folder, too.

    Args:
        benchmark: its name.
        data: the folder, file or hub id of a user's own data; None where there is none.
    """
    if benchmark != "local" or not data:
        return benchmark
    last = data.rpartition("/")[2] if data.startswith("hub:") else Path(data).resolve().name
    said = re.sub(r"[^\w.+=@-]+", "_", last, flags=re.ASCII).strip("._-")
    return f"{benchmark}-{said}" if said else benchmark


def leads_out(path: Path, folder: Path) -> str:
    """Returns where a path leads if a link takes it out of a folder; else empty.

    The folder itself may be a link, and what does not exist yet leads nowhere.
    """
    real = path.resolve()
    return "" if real.is_relative_to(folder.resolve()) else str(real)
