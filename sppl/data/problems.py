"""What is wrong with a user's data: every problem with its place, all of them in one message."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sppl.keys import without_keys
from sppl.schemas import UserError

SHOWN = 50
"""Problems a message spells out; the rest are counted per file."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file."""

    file: str
    what: str
    line: int | None = None
    column: int | None = None
    field: str = ""

    def __str__(self) -> str:
        place = self.file
        if self.line is not None:
            place += f", line {self.line}"
        if self.column is not None:
            place += f", column {self.column}"
        if self.field:
            place += f", field `{self.field}`"
        return f"{place}: {self.what}"


def refuse(problems: Sequence[Problem], advice: str = "") -> None:
    """Returns nothing where there are no problems.

    Raises:
        UserError: there are some; every one is named up to 50, the others are counted.
    """
    if not problems:
        return
    more = len(problems) - SHOWN
    lines = [f"({n}) {problem}" for n, problem in enumerate(problems[:SHOWN], start=1)]
    rest = f" (and {more} more of {len(problems)})" if more > 0 else ""
    files = len({problem.file for problem in problems})
    head = (
        f"{len(problems)} problem{'s' * (len(problems) > 1)} in {files} data file{'s' * (files > 1)}, nothing was read:"
    )
    raise UserError(without_keys("\n".join([head, *lines]) + rest + (f"\n{advice}" if advice else "")))


def names(paths: Iterable[Path]) -> str:
    """File names for a message, sorted; `none` for none."""
    return ", ".join(sorted(path.name for path in paths)) or "none"


def shorten(value: object, length: int = 60) -> str:
    """A value quoted for a message, control characters escaped, cut where it is long."""
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}..."
