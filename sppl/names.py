"""What may name artifacts, folders and files, and whether a place is inside the folder that it should be in."""

import re
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=@-]{0,119}")
"""A name that leads out of no folder, needs no quotes, fits into a file's name and looks like no other."""
LONGEST = 80
"""Characters of a name that a path gives."""
NAME_RULE = "use letters, digits and . _ + = @ - (first a letter a-z, a digit or _; 120 at most)"
"""The same in words, for a message."""


def as_name(path: str) -> str:
    """The last part of a path or hub id, with letters that may stand in names of files."""
    last = path.strip().rstrip("/").rpartition("/")[2].removesuffix(".gguf")
    return re.sub(r"[^\w.+=@-]", "_", last, flags=re.ASCII).lstrip("_.-+=@")[:LONGEST]


def task_name(benchmark: str, data: str | None) -> str:
    """What folders of a task are called: its benchmark, and of a user's own files (`local`) their folder as well.

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
    """Where a path leads if that is outside of a folder, by a link within it; else empty.

    The folder itself may be a link, and what does not exist yet leads nowhere.
    """
    real = path.resolve()
    return "" if real.is_relative_to(folder.resolve()) else str(real)
