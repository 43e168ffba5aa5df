"""Turns errors into sentences: what the user did wrong or the machine lacks, and how to go on."""

import errno
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sppl.cli.command_line import in_own_words
from sppl.cli.folding import fold, terminal_width
from sppl.cli.hiding import clean_error
from sppl.keys import without_keys
from sppl.schemas import UserError

log = logging.getLogger(__name__)

CRASHED = "crashed"
"""How the sentence about a bug begins."""
PLACES = "give others, e.g. store=FOLDER reports=FOLDER hydra.run.dir=FOLDER hydra.sweep.dir=FOLDER"
AGAIN = "run the same command again; it goes on from here"
FULL = ("there is no room left to write", f"Make room, and {AGAIN}")
OF_FILES = (
    ({errno.ENOSPC, errno.EDQUOT, errno.EFBIG}, *FULL),
    (
        {errno.EROFS, errno.EACCES, errno.EPERM},
        "this place cannot be written to or read",
        f"Change its rights, or {PLACES}",
    ),
    (
        {errno.ENOLCK, errno.EOPNOTSUPP},
        "this file system has no locks, by which commands tell each other what they make",
        "Take one that has them for the store and the sweeps, such as a disk of this machine: store=FOLDER "
        "hydra.sweep.dir=FOLDER",
    ),
    ({errno.EMFILE, errno.ENFILE}, "too few files may be open at once", f"Allow more (ulimit -n 1024), and {AGAIN}"),
    (
        {errno.ENOENT, errno.ESTALE},
        "a file or folder is not there any more",
        f"If something removed it while this command ran, put it back if it was yours, and {AGAIN}",
    ),
    ({errno.ENAMETOOLONG}, "a path is longer than the system takes", f"Shorten names or folders, or {PLACES}"),
    (
        {errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EEXIST, errno.ENOTEMPTY},
        "something else is in the place of a file or folder",
        f"Move it out of the way, or {PLACES}",
    ),
    (
        {errno.EIO},
        "a disk does not answer as it should",
        f"See to it, and {AGAIN}",
    ),
)
"""Error numbers of the file system, what they mean, and how to go on."""
NO_ROOM = re.compile(r"no space left on device|file too large|disk quota|PytorchStreamWriter failed writing", re.I)
NO_MEMORY = re.compile(
    r"(out of|not enough) memory|(cannot|can't|unable to) allocate|bad_alloc|failed to map|(start|launch) \w+ thread",
    re.I,
)
"""What libraries say when memory is short and they have no error of their own for it."""


@contextmanager
def report_errors(failed: Callable[[str], object]) -> Iterator[None]:
    """Within this block an error is logged as a sentence and passed to `failed`; a bug's traceback goes to the log."""
    try:
        yield
    except Exception as error:
        said = without_keys(in_own_words("\n".join([explain_error(error), *_further(error)]).strip()))
        if not said:
            said = describe_crash(error)
            log.error(said, exc_info=clean_error(error) or error)
        else:
            log.error(fold(said.splitlines(), terminal_width()) if sys.stderr.isatty() else said)
        failed(said)


def _further(error: BaseException) -> list[str]:
    """The commands to go on with after data were refused."""
    from sppl.cli.checking import how_to_go_on
    from sppl.data.problems import BadData

    refused = error.__cause__ if _from_configuration(error) else error
    return how_to_go_on(refused.ways) if isinstance(refused, BadData) else []


def describe_crash(error: BaseException) -> str:
    """Returns the sentence about a bug: the error, and where its traceback is."""
    what = without_keys(" ".join(f"{type(error).__name__}: {error}".split()))[:500]
    where = next((file for file in map(_file_of, logging.getLogger().handlers) if file), "")
    kept = f"its traceback is in {where}" if where else "its traceback follows"
    return f"{CRASHED} ({what}). This is a mistake of the program or of a library; {kept}"


def _file_of(handler: logging.Handler) -> str:
    """The file a log handler writes to, relative to the working folder where it can be; empty if it has none."""
    if not isinstance(handler, logging.FileHandler):
        return ""
    path = Path(handler.baseFilename)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def explain_error(error: BaseException) -> str:
    """Returns what a user needs to know of an error; empty for a bug, whose traceback is needed.

    Errors of a component or a setting name it, what is wrong and the choices; the machine's errors say what it lacks.
    """
    if _from_configuration(error) and isinstance(error.__cause__, UserError):
        error = error.__cause__  # a component refused what it was given, in a sentence of its own
    text = str(error)
    if isinstance(error, UserError):
        return "\n".join(" ".join(line.split()) for line in text.splitlines())  # of data a line per cause
    if _from_configuration(error):
        what, _, where = text.partition("full_key:")
        what = re.sub(r"^Error in call to target '([\w.]+)':", r"\1:", what.strip())
        if isinstance(error.__cause__, ValueError):  # a component refused a value
            what, where = str(error.__cause__), re.sub(r"^stage\.\w+\.", "", where.strip())
        return " ".join(f"{where.strip()}: {what}".removeprefix(": ").split())
    said = " ".join(text.split())[:300]
    if place := _of_files(error, text):
        return f"{place[0]} ({said}). {place[1]}"
    if isinstance(error, MemoryError) or NO_MEMORY.search(text):
        return (
            f"memory does not suffice ({said or 'MemoryError'}). Take smaller batches (generator.batch_size, "
            "training.batch_size with more training.accumulate, scorer.max_tokens), or fewer jobs at "
            "once, and run the command again; it goes on from here"
        )
    return ""


def _of_files(error: BaseException, text: str) -> tuple[str, str] | None:
    """What an error of the file system means, and how to go on; None for other errors, also those of connections."""
    if NO_ROOM.search(text):
        return FULL
    if not isinstance(error, OSError) or isinstance(error, ConnectionError):
        return None
    return next(((what, way) for numbers, what, way in OF_FILES if error.errno in numbers), None)


def _from_configuration(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in ("hydra", "omegaconf")


def check_folder(folder: Path) -> str:
    """Returns why nothing can be written to a folder (which is made if need be); empty if all is well."""
    probe = folder / ".room"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(bytes(1 << 16))
        probe.unlink()
    except OSError as error:
        with suppress(OSError):
            probe.unlink()
        return explain_error(error) or str(error)
    return ""
