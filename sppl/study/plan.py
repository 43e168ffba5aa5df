"""The plan of a stage: what it found and what it would make, and the line that says so before it works."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sppl.artifacts.provenance import fingerprint
from sppl.study.study import Named

OPEN_NAME = "-..."
"""Stands for the end of a name that is not known yet; a digest that tells it from others follows and is not shown."""


@dataclass(frozen=True)
class ResponseCounts:
    """How many responses of one folder of the store are there and missing, and what asking for those would take.

    Args:
        requests: to a teacher; 0 where no teacher is asked.
        cost: of the requests, US dollars; None where a price is not known.
    """

    there: int
    missing: int
    requests: int = 0
    cost: float | None = 0.0


@dataclass(frozen=True)
class Plan:
    """The names of what a stage found and would make; the end of a name is open where an input is missing.

    Args:
        found: what is in the store; of responses one line that counts them.
        to_make: what would be made; likewise.
        responses: folder of the store -> counts of the responses that a strategy has and would get.
        told: what is there once the stage has worked, and where: a sentence each, for a command that shows no table.
    """

    found: tuple[str, ...]
    to_make: tuple[str, ...]
    responses: Mapping[str, ResponseCounts] = field(default_factory=dict)
    told: tuple[str, ...] = ()

    def line(self, stage: str) -> str:
        """Returns the plan in one line, for people."""
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
    """Returns the name of the ranking in a plan of the stage `rank`."""
    return next(name for name in (*plan.found, *plan.to_make) if name.startswith("rankings/"))


def plan_of(artifacts: Iterable[Named]) -> Plan:
    """Returns the plan of artifacts whose names are known: which exist, and which have to be made."""
    known = [(one.id.name, one.exists) for one in artifacts]
    return Plan(tuple(name for name, there in known if there), tuple(name for name, there in known if not there))


def shown_name(name: str) -> str:
    """Returns a name of a plan as people see it."""
    return name.partition(OPEN_NAME)[0] + OPEN_NAME if OPEN_NAME in name else name


def _short(names: Sequence[str]) -> list[str]:
    shown = [shown_name(name) for name in names]
    return [*shown[:4], "..."] if len(shown) > 4 else shown


def plan_waiting(*words: str, of: Any) -> Plan:
    """Returns the plan of one artifact that waits for an input; the end of its name is open.

    Args:
        of: what is known of it: settings, and names of what it waits for. Other settings are another artifact.
    """
    return Plan((), ("/".join(words) + OPEN_NAME + fingerprint(of),))
