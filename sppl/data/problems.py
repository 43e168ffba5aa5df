"""What is wrong with a user's data: every problem with its place, all of them in one message."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sppl.keys import without_keys
from sppl.schemas import UserError

SHOWN = 50
"""Causes a message spells out; the problems of the rest are counted."""
PLACES = 4
"""Lines that are named of one cause."""


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
        UserError: there are some; one line per cause, with how often and the first places;
            after 50 causes the rest are counted.
    """
    if not problems:
        return
    causes = _by_cause(problems)
    more = sum(map(len, causes[SHOWN:]))
    lines = [f"({n}) {_line(same)}" for n, same in enumerate(causes[:SHOWN], start=1)]
    rest = f" (and {more} more of {len(problems)})" if more else ""
    files = len({problem.file for problem in problems})
    head = (
        f"{len(problems)} problem{'s' * (len(problems) > 1)} in {files} data file{'s' * (files > 1)}, nothing was read:"
    )
    raise UserError(without_keys("\n".join([head, *lines]) + rest + (f"\n{advice}" if advice else "")))


def _by_cause(problems: Sequence[Problem]) -> list[list[Problem]]:
    """The problems that say the same of the same field of a file, together, in the order of the first ones."""
    found: dict[tuple[str, str, str], list[Problem]] = {}
    for one in problems:
        found.setdefault((one.file, one.field, one.what), []).append(one)
    return list(found.values())


def _line(same: Sequence[Problem]) -> str:
    """One line for what is wrong at one place or at many."""
    if len(same) == 1:
        return str(same[0])
    further = [str(one.line) for one in same[1:PLACES] if one.line is not None]
    also = f"; also on line {', '.join(further)}" if further else ""
    return f"{same[0]} ({len(same)} times{also}{', ...' if further and len(same) > PLACES else ''})"


def names(paths: Iterable[Path]) -> str:
    """File names for a message, sorted; `none` for none."""
    return ", ".join(sorted(path.name for path in paths)) or "none"


def shorten(value: object, length: int = 60) -> str:
    """A value quoted for a message, control characters escaped, cut where it is long."""
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}..."
