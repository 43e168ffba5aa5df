"""Breaks lines at words to the width of a terminal; commands stay whole, so that they can be copied."""

import shutil
import textwrap
from collections.abc import Iterable

from sppl.cli.command_line import CHECKOUT, program


def terminal_width() -> int:
    """Returns how many columns text may take: the terminal's, but 60 at least and 100 at most."""
    return max(60, min(100, shutil.get_terminal_size((80, 24)).columns))


def fold(lines: Iterable[str], width: int) -> str:
    """Returns the lines broken to a width, continuation lines indented."""
    found: list[str] = []
    for line in lines:
        inner = " " * (len(line) - len(line.lstrip()) + 2)
        command = line.startswith((f"  {program()}", f"  {CHECKOUT}"))
        parts = [line] if command else textwrap.wrap(line, width, subsequent_indent=inner, break_on_hyphens=False)
        found += parts or [""]
    return "\n".join(found)
