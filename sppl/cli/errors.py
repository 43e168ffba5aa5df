"""Errors as sentences: what a user has done, what the machine lacks, and how to go on."""

import errno
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sppl.cli.command_line import in_own_words
from sppl.cli.folding import folded, terminal_width
from sppl.cli.hiding import cleaned
from sppl.keys import without_keys
from sppl.schemas import UserError

log = logging.getLogger(__name__)

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM}
NO_ROOM = re.compile(r"no space left on device|file too large|disk quota|PytorchStreamWriter failed writing", re.I)
NO_MEMORY = re.compile(
    r"(out of|not enough) memory|(cannot|can't|unable to) allocate|bad_alloc|failed to map|(start|launch) \w+ thread",
    re.I,
)
"""How libraries say it that have no error of their own for it."""


@contextmanager
def report_errors(failed: Callable[[str], object]) -> Iterator[None]:
    """Within this block what a user has to know of is logged as a sentence and handed over; what is left is a bug."""
    try:
        yield
    except Exception as error:
        if not (said := without_keys(in_own_words("\n".join([sentence_of(error), *_further(error)]).strip()))):
            if clean := cleaned(error):
                raise clean from None
            raise
        log.error(folded(said.splitlines(), terminal_width()) if sys.stderr.isatty() else said)
        failed(said)


def _further(error: BaseException) -> list[str]:
    """The commands that go on from a refusal of data."""
    from sppl.cli.checking import how_to_go_on
    from sppl.data.problems import BadData

    refused = error.__cause__ if _from_configuration(error) else error
    return how_to_go_on(refused.ways) if isinstance(refused, BadData) else []


def sentence_of(error: BaseException) -> str:
    """What a user needs to know of an error; empty where it is a mistake of ours, whose traceback is wanted.

    Of errors on a component or a setting its name, what is wrong, and the choices; of the machine's what it lacks.
    """
    if _from_configuration(error) and isinstance(error.__cause__, UserError):
        error = error.__cause__  # a component refused what it was given, in a sentence of its own
    text = str(error)
    if isinstance(error, UserError):
        return "\n".join(" ".join(line.split()) for line in text.splitlines())  # of data a line per cause
    if _from_configuration(error):
        what, _, where = text.partition("full_key:")
        what = re.sub(r"^Error in call to target '([\w.]+)':", r"\1:", what.strip())
        return " ".join(f"{where.strip()}: {what}".removeprefix(": ").split())
    said = " ".join(text.split())[:300]
    if (isinstance(error, OSError) and error.errno in FULL) or NO_ROOM.search(text):
        return (
            f"there is no room left to write ({said}). Make room, and run the same command again; it goes on from here"
        )
    if isinstance(error, OSError) and error.errno in CLOSED:
        return (
            f"this place cannot be written to or read ({said}). Change its rights, or give others, e.g. store=FOLDER "
            "reports=FOLDER hydra.run.dir=FOLDER hydra.sweep.dir=FOLDER"
        )
    if isinstance(error, MemoryError) or NO_MEMORY.search(text):
        return (
            f"memory does not suffice ({said or 'MemoryError'}). Take smaller batches (generator.batch_size, "
            "training.batch_size with more training.accumulate, scorer.max_tokens), or fewer jobs at "
            "once, and run the command again; it goes on from here"
        )
    return ""


def _from_configuration(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in ("hydra", "omegaconf")


def check_folder(folder: Path) -> str:
    """Why nothing can be written to a folder, which is made if need be; empty if all is well."""
    probe = folder / ".room"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(bytes(1 << 16))
        probe.unlink()
    except OSError as error:
        with suppress(OSError):
            probe.unlink()
        return sentence_of(error)
    return ""
