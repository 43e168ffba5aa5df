"""Counts per file of a user's data: its records, and those that a setting decides about."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sppl.schemas import Split

SYSTEM, SEVERAL, EMPTY, TWICE = "system turns", "several turns", "empty", "duplicates"
"""Kinds of records that a setting decides about: `system`, `turns` and `history`, `empties`, `duplicates`."""


@dataclass
class Tally:
    """The counts of one file.

    Args:
        path: of the file.
        form: the fields in which its questions and responses stand.
        split: whose questions it holds; None for a strategy's file.
        rows: its records.
    """

    path: Path
    form: str
    split: Split | None
    rows: int
    kinds: Counter[str] = field(default_factory=Counter)
    """Records by kind, whatever the setting decided."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Records that a setting left out, by kind."""
    settled: Counter[str] = field(default_factory=Counter)
    """Changes that settings made in records, in words."""
    unread: Counter[str] = field(default_factory=Counter)
    """Fields that are not empty and were not read."""

    def said(self) -> Iterator[str]:
        """Yields the remarks on the file, a sentence each."""
        if self.unread:
            yield "not read: " + ", ".join(f"{name} ({n})" for name, n in self.unread.most_common())
        for what, n in self.settled.items():
            yield f"in {n} of {self.rows} records {what}"
        for what, n in self.left_out.items():
            yield f"{n} of {self.rows} records left out: {what}"
