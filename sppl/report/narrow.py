"""Prints tables on a terminal of any width; columns that do not fit go into further tables below."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from sppl.report.tables import MISSING

LONGEST_KEY = 0.4
"""Share of the width that the first columns may take before their texts are folded."""
LONGEST_WORD = 16
"""Characters of a word that is not broken for want of room."""
HEAD = 12
"""Characters of a heading on one line; a longer one is broken after underscores and spaces."""


@dataclass(frozen=True)
class Column:
    """A heading and its cells from top to bottom; texts stand on the left and may be folded, numbers may not."""

    name: str
    cells: Sequence[str]
    text: bool = False

    @property
    def head(self) -> str:
        """The heading on as many lines as it needs."""
        return broken(self.name, max([HEAD, *(cell_len(part) for cell in self.cells for part in cell.splitlines())]))

    @property
    def width(self) -> int:
        """Characters that the widest line takes."""
        return max(cell_len(line) for part in (self.head, *self.cells) for line in part.splitlines() or [""])

    @property
    def word(self) -> int:
        """Characters that the widest word takes, which is broken only where it is very long."""
        pieces = (piece for cell in self.cells for word in cell.split() for piece in _pieces(word))
        return min(max(map(cell_len, pieces), default=0), LONGEST_WORD)

    @property
    def empty(self) -> bool:
        """Whether no cell says anything."""
        return all(cell in ("", MISSING) for cell in self.cells)


def print_table(console: Console, title: str, columns: Sequence[Column], *, keys: int = 1, caption: str = "") -> None:
    """Prints a table without its empty columns; columns that do not fit go into further tables below.

    Args:
        console: where to print; its width decides.
        title: the text above the first table.
        columns: columns of equal length, the first `keys` of which identify a row.
        keys: how many columns are repeated in every table.
        caption: the text below the last table.
    """
    shown = [*columns[:keys], *(one for one in columns[keys:] if not one.empty)]
    parts = list(_parts(shown[:keys], shown[keys:], console.width))
    for at, part in enumerate(parts):
        table = Table(title=title if at == 0 else None, title_justify="left", title_style="bold", box=box.HEAVY_HEAD)
        room = console.width - sum(one.width + 3 for one in part if not one.text) - 1
        texts = [one for one in part if one.text]
        most = {one.name: _share(one, texts, room) for one in texts}
        for one in part:
            justify, limit = ("left", most[one.name]) if one.text else ("right", None)
            table.add_column(one.head, justify=justify, overflow="fold", no_wrap=not one.text, max_width=limit)
        cells = [[folded(cell, most[one.name]) for cell in one.cells] if one.text else list(one.cells) for one in part]
        for row in zip(*cells, strict=True):
            table.add_row(*row)
        if at == len(parts) - 1 and caption:
            table.caption, table.caption_justify = caption, "left"
        console.print(table)


def _parts(keys: Sequence[Column], others: Sequence[Column], width: int) -> Iterator[list[Column]]:
    """Yields the columns of each table: as many as fit beside the keys, at least one."""
    share = int(LONGEST_KEY * width / len(keys))
    taken = 1 + sum(min(one.width, max(share, one.word)) + 3 for one in keys)
    part, room = list[Column](), width - taken
    for one in others:
        need = min(one.width, max(HEAD, width // 3)) + 3 if one.text else one.width + 3
        if part and need > room:
            yield [*keys, *part]
            part, room = [], width - taken
        part.append(one)
        room -= need
    yield [*keys, *part]


def _share(one: Column, texts: Sequence[Column], room: int) -> int:
    """Returns the characters that a column of texts may take of the room that numbers leave."""
    free, left = room - 3 * len(texts), list(texts)
    while left:
        fair = free // len(left)
        small = [column for column in left if column.width <= fair]
        if one in small:
            return one.width
        if not small:
            return max(fair, 4)
        free -= sum(column.width for column in small)
        left = [column for column in left if column not in small]
    return one.width


def folded(text: str, width: int) -> str:
    """A text on lines of that width, broken at spaces; a word that is wider than a line after underscores."""
    lines = list[str]()
    for line in text.split("\n"):
        lines.append("")
        for word in line.split(" "):
            longer = f"{lines[-1]} {word}" if lines[-1] else word
            if cell_len(longer) <= width:
                lines[-1] = longer
            else:
                lines += broken(word, width).split("\n") if word else []
    return "\n".join(line for line in lines if line) if text.strip() else text


def broken(name: str, width: int = HEAD) -> str:
    """Returns a heading on several lines, broken after underscores and at spaces."""
    lines, at = [""], 0
    parts = [piece for word in name.split(" ") for piece in [*_pieces(word), " "]][:-1]
    while at < len(parts):
        part = parts[at]
        if lines[-1].strip() and cell_len((lines[-1] + part).rstrip()) > width:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
            part = part.lstrip()
        lines[-1] += part
        at += 1
    return "\n".join(line.rstrip() for line in lines if line.strip()) or name


def _pieces(word: str) -> list[str]:
    found, start = list[str](), 0
    for at, mark in enumerate(word):
        if mark == "_":
            found.append(word[start : at + 1])
            start = at + 1
    return [*found, word[start:]] if word[start:] else found
