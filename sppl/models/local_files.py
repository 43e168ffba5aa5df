"""The files of a local model, which must stay those that artifacts are named after while a command runs."""

from pathlib import Path

from sppl.artifacts.provenance import content_digest
from sppl.schemas import UserError

Stamps = tuple[tuple[str, int, int, int], ...]
"""Name, size, time of change and inode of files."""

NAMED: dict[Path, tuple[str, Stamps]] = {}
"""The digests this process has named something after, with what the files looked like then."""


def name_files(path: Path) -> str:
    """Returns the digest of a model's folder or file, for this whole process the one it had when it was first asked."""
    path = path.resolve()
    if path not in NAMED:
        stamps = _stamps(path)  # before reading, so that what changes meanwhile is found to have changed
        NAMED[path] = content_digest(path), stamps
    return NAMED[path][0]


def refuse_changed(path: Path) -> None:
    """To be called once a model was read.

    Raises:
        UserError: something was named after its files, and they are others now.
    """
    path = path.resolve()
    if path not in NAMED:
        return
    digest, stamps = NAMED[path]
    if _stamps(path) != stamps and content_digest(path) != digest:
        raise UserError(
            f"the files of {path} were changed while this command ran, and what it makes is named after those it began "
            "with; run the same command again, which works with those that are there now"
        )


def forget_changed() -> bool:
    """Forgets the digests of files that are others now; returns whether there were any.

    For whoever begins anew in a process that has worked before, as a notebook's next call.
    """
    changed = [path for path, (_, stamps) in NAMED.items() if _stamps(path) != stamps]
    for path in changed:
        del NAMED[path]
    return bool(changed)


def _stamps(path: Path) -> Stamps:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    read = ((str(file), file.stat()) for file in files if file.is_file())
    return tuple((name, facts.st_size, facts.st_mtime_ns, facts.st_ino) for name, facts in read)
