"""Lines broken at words to the width of a terminal; commands stay whole, to be copied."""

import shutil
import textwrap
from collections.abc import Iterable

from sppl.cli.command_line import CHECKOUT, program


def terminal_width() -> int:
    """Columns that text may take: those of the terminal, within what is good to read."""
    return max(60, min(100, shutil.get_terminal_size((80, 24)).columns))


def fold(lines: Iterable[str], width: int) -> str:
    """The lines, the further ones of each indented."""
    found: list[str] = []
    for line in lines:
        inner = " " * (len(line) - len(line.lstrip()) + 2)
        command = line.startswith((f"  {program()}", f"  {CHECKOUT}"))
        parts = [line] if command else textwrap.wrap(line, width, subsequent_indent=inner, break_on_hyphens=False)
        found += parts or [""]
    return "\n".join(found)
