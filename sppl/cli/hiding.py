"""Removes keys from everything a process prints: log lines, standard error, exceptions."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any, TextIO, cast

from sppl.keys import without_keys
from sppl.visible import make_visible

DETAILS = ("sppl.artifacts.store", "sppl.study.rankings")
"""Loggers whose lines the terminal shows with `-v` only."""


class HidingFormatter(logging.Formatter):
    """Formats log lines and their tracebacks with `[key]` in the place of keys.

    Control characters, which texts of servers and files may hold, are escaped.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return make_visible(without_keys(super().format(record)))


class TerseFormatter(HidingFormatter):
    """Formats lines for the terminal: as `HidingFormatter`, but without tracebacks, which the log file has.

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
    """Leaves to the log file what the terminal need not show: a line per artifact, and what the table repeats.

    Args:
        verbose: whether everything is shown.
    """

    def __init__(self, verbose: bool = False) -> None:
        super().__init__()
        self.verbose = verbose

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the terminal shows a line; warnings and errors always."""
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
    """Within this block keys are hidden in everything printed to standard error, by libraries too."""
    with redirect_stderr(cast(TextIO, _Hiding(sys.stderr))):
        yield


def clean_error(error: BaseException) -> BaseException | None:
    """Returns an exception to raise instead of one whose traceback would show a key; None where it shows none."""
    shown = "".join(traceback.format_exception(error))
    if without_keys(shown) == shown:
        return None
    said = without_keys(f"{type(error).__name__}: {error}")
    return RuntimeError(said).with_traceback(error.__traceback__)
