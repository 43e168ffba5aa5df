"""What a process says, without keys: lines of logs, whatever else goes to the terminal, exceptions."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any, TextIO, cast

from sppl.keys import without_keys
from sppl.visible import make_visible

DETAILS = ("sppl.artifacts.store", "sppl.study.rankings")
"""Who says things that the terminal shows with `-v` only."""


class HidingFormatter(logging.Formatter):
    """A formatter of log lines, tracebacks in them too, that writes `[key]` where a key would stand.

    What servers and files say comes here as well, so it can do nothing to the terminal.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return make_visible(without_keys(super().format(record)))


class TerseFormatter(HidingFormatter):
    """The same for the terminal, without the traceback of an error, which the log file has.

    Args:
        fmt, datefmt: as of any formatter.
        verbose: whether tracebacks are shown.
    """

    def __init__(self, fmt: str | None = None, datefmt: str | None = None, *, verbose: bool = False) -> None:
        super().__init__(fmt, datefmt)
        self.verbose = verbose

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        if record.exc_info and not self.verbose:
            record = logging.makeLogRecord(record.__dict__ | {"exc_info": None, "exc_text": None})
        return super().format(record)


class Terse(logging.Filter):
    """What the terminal leaves to the log file: a line per artifact, and what the table says again.

    Args:
        verbose: whether all passes as it is.
    """

    def __init__(self, verbose: bool = False) -> None:
        super().__init__()
        self.verbose = verbose

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the terminal shows it; warnings and errors always."""
        return self.verbose or record.levelno >= logging.WARNING or record.name not in DETAILS


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
def hide_keys_in_stderr() -> Iterator[None]:
    """Within this block keys are hidden in what anybody prints to standard error, Hydra and other libraries too."""
    with redirect_stderr(cast(TextIO, _Hiding(sys.stderr))):
        yield


def clean_error(error: BaseException) -> BaseException | None:
    """An exception to be raised in the place of one whose traceback would show a key; None where none does."""
    shown = "".join(traceback.format_exception(error))
    if without_keys(shown) == shown:
        return None
    said = without_keys(f"{type(error).__name__}: {error}")
    return RuntimeError(said).with_traceback(error.__traceback__)
