"""What a process says, without keys: lines of logs, whatever else goes to the terminal, exceptions."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any, TextIO, cast

from sppl.keys import without_keys
from sppl.visible import visible

DETAILS = ("sppl.artifacts.store", "sppl.stages.ranking")
"""Who says things that the terminal shows with `-v` only."""


class HidingFormatter(logging.Formatter):
    """A formatter of log lines, tracebacks in them too, that writes `[key]` where a key would stand.

    What servers and files say comes here as well, so it can do nothing to the terminal.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return visible(without_keys(super().format(record)))


class Terse(logging.Filter):
    """What the terminal leaves to the log file: a line per artifact, what the table says again, tracebacks.

    Warnings and errors always pass, without the traceback that they may come with.

    Args:
        verbose: whether all passes as it is.
    """

    def __init__(self, verbose: bool = False) -> None:
        super().__init__()
        self.verbose = verbose

    def filter(self, record: logging.LogRecord) -> bool | logging.LogRecord:
        """The record as the terminal shows it; False where it does not."""
        if self.verbose:
            return True
        if record.levelno < logging.WARNING and record.name in DETAILS:
            return False
        if not record.exc_info:
            return True
        short = logging.makeLogRecord(record.__dict__)
        short.exc_info = short.exc_text = None
        return short


class _Hiding:
    """A stream that hides keys in what is written to it, and is the stream it was made of in all else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(without_keys(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def hiding_stderr() -> Iterator[None]:
    """Within this block keys are hidden in what anybody prints to standard error, Hydra and other libraries too."""
    with redirect_stderr(cast(TextIO, _Hiding(sys.stderr))):
        yield


def cleaned(error: BaseException) -> BaseException | None:
    """An exception to be raised in the place of one whose traceback would show a key; None where none does."""
    shown = "".join(traceback.format_exception(error))
    if without_keys(shown) == shown:
        return None
    said = without_keys(f"{type(error).__name__}: {error}")
    return RuntimeError(said).with_traceback(error.__traceback__)
