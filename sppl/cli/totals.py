"""Sums up what the jobs of a dry sweep would make, each artifact counted once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sppl.study.plan import ResponseCounts


def total_lines(plans: Sequence[Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Returns a line per stage: how many artifacts of each kind are found and are to be made, over all jobs.

    Responses are counted one by one, as jobs may want more or fewer of the same; a last line says what they would cost.

    Args:
        plans: per job (or ranking) and stage the fields of a `Plan`.
    """
    yield "all jobs together, what they share counted once:"
    for stage in dict.fromkeys(name for one in plans for name in one):
        own = [one[stage] for one in plans if stage in one]
        make = {name for one in own for name in _artifacts(one, "to_make")}
        found = {name for one in own for name in _artifacts(one, "found")} - make
        asked = list(_largest(own).values())
        said = [_responses(asked)] if asked else []
        said += [f"found {_kinds(found)}, to make: {_kinds(make)}"] if found or make or not asked else []
        yield f"  {stage}: {'; '.join(said)}"
    every = list(_largest(part for one in plans for part in one.values()).values())
    if asked := [one for one in every if one.requests]:
        costs = [one.cost for one in asked]
        price = "at an unknown price" if None in costs else f"about ${sum(filter(None, costs)):.2f}"
        yield f"  paid requests: {sum(one.requests for one in asked)}, {price}"


def _artifacts(plan: Mapping[str, Any], key: str) -> list[str]:
    """The names of a plan, without the lines that stand for responses."""
    return [name for name in plan[key] if "/" in name or not plan["responses"]]


def _largest(plans: Iterable[Mapping[str, Any]]) -> dict[str, ResponseCounts]:
    """Per folder of the store the counts of the job that wants most, as all want a benchmark's first questions."""
    found = dict[str, ResponseCounts]()
    for plan in plans:
        for folder, said in plan["responses"].items():
            one, other = ResponseCounts(**said), found.get(folder, ResponseCounts(0, 0))
            found[folder] = max(one, other, key=lambda asked: asked.there + asked.missing)
    return found


def _responses(asked: Sequence[ResponseCounts]) -> str:
    there, missing = sum(one.there for one in asked), sum(one.missing for one in asked)
    requests = sum(one.requests for one in asked)
    return f"found {there} responses, to make: {missing}" + (f" with {requests} requests" if requests else "")


def _kinds(names: set[str]) -> str:
    """How many there are, and of what."""
    kinds = [(kind, len(list(some))) for kind, some in groupby(sorted(name.partition("/")[0] for name in names))]
    return f"{len(names)}" + (f" ({', '.join(f'{n} {kind}' for kind, n in kinds)})" if kinds else "")
