"""The US dollars that one command may spend: reserved before a request is sent, counted when it has ended."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from sppl.artifacts.provenance import fingerprint, write_json
from sppl.schemas import UserError
from sppl.teachers.bill import Bill
from sppl.teachers.teacher import Teacher

ROUNDING = 1e-9
"""Dollars: sums of floats are not exact."""


class LimitReached(Exception):
    """The next request could lead beyond the limit; `worst` is what it could cost, `left` how many are not sent."""

    def __init__(self, worst: float, left: int = 0) -> None:
        super().__init__(f"the next request could cost up to ${worst:.4f}, which is beyond the limit")
        self.worst, self.left = worst, left


@dataclass
class Budget:
    """The limit, the sum spent or reserved, and a bill per teacher.

    Args:
        limit: US dollars.
        shared: a file with the sum of all jobs of a sweep; None for a single process.
        batches: labels of the batches for which money is reserved.
    """

    limit: float = math.inf
    shared: Path | None = None
    bills: dict[str, Bill] = field(default_factory=dict)
    batches: set[str] = field(default_factory=set)
    _taken: float = 0.0

    def __post_init__(self) -> None:
        number = isinstance(self.limit, int | float) and not isinstance(self.limit, bool)
        if not number or not self.limit >= 0:
            raise UserError(f"max_cost={self.limit!r} is not a number of US dollars, e.g. max_cost=2.5")

    def bill(self, teacher: Teacher) -> Bill:
        """Returns the bill of this command's requests to a teacher."""
        return self.bills.setdefault(teacher.name, Bill(teacher.name, teacher.prices))

    @property
    def taken(self) -> float:
        """US dollars spent or reserved; requests with an unknown end count in full."""
        with self._counted():
            return self._taken

    def reserve(self, dollars: float) -> bool:
        """Reserves what a request may cost at most; returns False, reserving nothing, if that exceeds the limit."""
        with self._counted():
            fits = self._taken + dollars <= self.limit + ROUNDING
            self._taken += dollars if fits else 0.0
            return fits

    def settle(self, reserved: float, spent: float) -> None:
        """Counts what a request cost instead of what was reserved for it."""
        with self._counted():
            self._taken += spent - reserved

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Holds the shared sum, in which a killed process leaves what it had reserved."""
        if self.shared is None:
            yield
            return
        self.shared.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.shared.with_suffix(".lock")):
            before = json.loads(self.shared.read_text())["dollars"] if self.shared.is_file() else 0.0
            self._taken = before
            yield
            if self._taken != before:
                write_json(self.shared, {"dollars": self._taken})


def sweep_name(folder: Path) -> str:
    """Returns the name of a sweep, made from its folder, for the names of files."""
    return f"{folder.name}-{fingerprint(str(folder.resolve()))}"


def spent_file(store: str, command: str) -> Path:
    """Returns the file in which all jobs of a sweep count what they spend."""
    return Path(store, "spent", f"{command}.json")


def reset_spent(store: str, command: str) -> None:
    """Forgets what an earlier sweep in the same folder has spent."""
    spent_file(store, command).unlink(missing_ok=True)
