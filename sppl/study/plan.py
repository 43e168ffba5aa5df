"""What a stage found and what it would make, and the line it says before it works."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sppl.artifacts.provenance import fingerprint
from sppl.study.study import Named

OPEN = "-..."
"""Ends a name that is not known yet; behind it stands what tells it from others, which people are not shown."""


@dataclass(frozen=True)
class Asked:
    """Responses of one folder of the store: how many are there and missing, and what asking for these would take.

    Args:
        requests: to a teacher; 0 where nobody is asked.
        cost: of the requests, US dollars; None: a price is not known.
    """

    there: int
    missing: int
    requests: int = 0
    cost: float | None = 0.0


@dataclass(frozen=True)
class Plan:
    """What a stage found and what it would make: names, whose last part is open where it waits for an input.

    Args:
        responses: folder of the store -> the responses that a strategy has, or would get; its line among the names
            is none of an artifact.
        told: what is there once the stage has worked, and where: a sentence each, for a command that shows no table.
    """

    found: tuple[str, ...]
    to_make: tuple[str, ...]
    responses: Mapping[str, Asked] = field(default_factory=dict)
    told: tuple[str, ...] = ()

    def line(self, stage: str) -> str:
        """One line for people."""
        made = (
            f", to make: {len(self.to_make)} ({', '.join(_short(self.to_make))})"
            if self.to_make
            else ", nothing to make"
        )
        return f"{stage}: found {len(self.found)}{made}"

    def __add__(self, other: "Plan") -> "Plan":
        responses = {**self.responses, **other.responses}
        told = (*self.told, *other.told)
        return Plan((*self.found, *other.found), (*self.to_make, *other.to_make), responses, told)

    def telling(self, *told: str) -> "Plan":
        """The same plan with what is there once the stage has worked."""
        return replace(self, told=(*self.told, *told))


def ranking_of(plan: Plan) -> str:
    """The name of the ranking in the plan of the stage `rank`."""
    return next(name for name in (*plan.found, *plan.to_make) if name.startswith("rankings/"))


def plan_of(artifacts: Iterable[Named]) -> Plan:
    """Which of the artifacts are there, and which have to be made."""
    known = [(one.id.name, one.exists) for one in artifacts]
    return Plan(tuple(name for name, there in known if there), tuple(name for name, there in known if not there))


def as_shown(name: str) -> str:
    """A name of a plan as people see it."""
    return name.partition(OPEN)[0] + OPEN if OPEN in name else name


def _short(names: Sequence[str]) -> list[str]:
    shown = [as_shown(name) for name in names]
    return [*shown[:4], "..."] if len(shown) > 4 else shown


def waiting(*words: str, of: Any) -> Plan:
    """One artifact that would be made; the last part of its name, which depends on what is not there yet, is open.

    Args:
        of: what is known of that: settings, and names of what it waits for. Other settings are another artifact.
    """
    return Plan((), ("/".join(words) + OPEN + fingerprint(of),))
