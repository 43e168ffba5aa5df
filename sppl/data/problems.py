"""Problems in a user's data: each with its place, one line per cause, all of them in one message."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sppl.keys import without_keys
from sppl.schemas import UserError

SHOWN = 20
"""Causes a message spells out; the rest are counted."""
PLACES = 4
"""Lines of a file that are named per cause."""
_VALUE = re.compile(r"""(?<!\w)'(?:[^'\\]|\\.)*'|(?<!\w)"(?:[^"\\]|\\.)*"|0x[0-9a-f]+|\d+""")
"""Matches what may differ between problems of one cause: quoted values, numbers."""


@dataclass(frozen=True)
class Problem:
    """One problem in a file; `way` is the setting with which the file is read nevertheless, if there is one."""

    file: str
    what: str
    line: int | None = None
    column: int | None = None
    field: str = ""
    way: str = ""

    def __str__(self) -> str:
        place = self.file
        if self.line is not None:
            place += f", line {self.line}"
        if self.column is not None:
            place += f", column {self.column}"
        if self.field:
            place += f", field `{self.field}`"
        return f"{place}: {self.what}"

    @property
    def cause(self) -> tuple[str, str]:
        """A key that is equal for problems with one remedy."""
        return self.field, _VALUE.sub("_", self.what)


class BadData(UserError):
    """Files that cannot be used as they are.

    Args:
        message: every cause with its places.
        ways: the settings with which all of them would be read; none where files have to be mended.
    """

    def __init__(self, message: str, ways: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.ways = tuple(ways)


def refuse_problems(problems: Sequence[Problem], advice: str = "") -> None:
    """Refuses data with problems.

    Raises:
        BadData: there are some; the message is what `list_causes` says, and the advice.
    """
    if problems:
        files = len({problem.file for problem in problems})
        n = len(_by_cause(problems))
        head = f"{n} problem{'s' * (n > 1)} in {files} data file{'s' * (files > 1)}, nothing was read:"
        raise BadData("\n".join([head, *list_causes(problems), *filter(None, [advice])]), ways_of(problems))


def list_causes(problems: Sequence[Problem]) -> list[str]:
    """Returns one numbered line per cause, with its number and first places; beyond 20 causes they are counted."""
    causes = _by_cause(problems)
    lines = [without_keys(f"({n}) {_line(same)}") for n, same in enumerate(causes[:SHOWN], start=1)]
    more = len(causes) - SHOWN
    return lines + ([f"(and {more} more of {len(causes)})"] if more > 0 else [])


def ways_of(problems: Sequence[Problem]) -> list[str]:
    """Returns the settings with which everything would be read; none where some problem has no such setting."""
    ways = list(dict.fromkeys(problem.way for problem in problems))
    return [] if "" in ways else ways


def _by_cause(problems: Sequence[Problem]) -> list[list[Problem]]:
    """The problems grouped by cause, in the order of their first ones."""
    found: dict[tuple[str, str], list[Problem]] = {}
    for one in problems:
        found.setdefault(one.cause, []).append(one)
    return list(found.values())


def _line(same: Sequence[Problem]) -> str:
    """One line for problems of one cause, at one place or many, in one file or several."""
    if len(same) == 1:
        return str(same[0])
    first = same[0].file
    lines = dict.fromkeys(one.line for one in same if one.file == first and one.line is not None)
    here = [str(line) for line in [*lines][1:]]
    said = [f"{len(same)} times"]
    if here:
        said.append(f"also on line {', '.join(here[: PLACES - 1])}{', ...' if len(here) >= PLACES else ''}")
    for file in dict.fromkeys(one.file for one in same if one.file != first):
        lines = [one.line for one in same if one.file == file]
        where = f" from line {lines[0]}" if lines[0] is not None else ""
        said.append(f"{len(lines)} in {file}{where}")
    return f"{same[0]} ({'; '.join(said[:PLACES])}{'; ...' if len(said) > PLACES else ''})"


def file_names(paths: Iterable[Path]) -> str:
    """Returns sorted file names for a message; `none` without any."""
    return ", ".join(sorted(path.name for path in paths)) or "none"


def shorten(value: object, length: int = 60) -> str:
    """Returns a value quoted for a message, control characters escaped, cut where it is long."""
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}...{text[0] * isinstance(value, str)}"
