"""What a stage found and what it would make, and the line it says before it works."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sppl.study.study import Named


@dataclass(frozen=True)
class Plan:
    """What a stage found and what it would make: names, whose last part is open where it waits for an input."""

    found: tuple[str, ...]
    to_make: tuple[str, ...]

    def line(self, stage: str) -> str:
        """One line for people."""
        made = (
            f", to make: {len(self.to_make)} ({', '.join(_short(self.to_make))})"
            if self.to_make
            else ", nothing to make"
        )
        return f"{stage}: found {len(self.found)}{made}"

    def __add__(self, other: "Plan") -> "Plan":
        return Plan((*self.found, *other.found), (*self.to_make, *other.to_make))


def plan_of(artifacts: Iterable[Named]) -> Plan:
    """Which of the artifacts are there, and which have to be made."""
    known = [(one.id.name, one.exists) for one in artifacts]
    return Plan(tuple(name for name, there in known if there), tuple(name for name, there in known if not there))


def _short(names: Sequence[str]) -> list[str]:
    return [*names[:4], "..."] if len(names) > 4 else list(names)


def waiting(*words: str) -> Plan:
    """One artifact that would be made; the last part of its name, which depends on what is not there yet, is open."""
    return Plan((), ("/".join(words) + "-...",))
