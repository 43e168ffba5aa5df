"""Finds the jobs of a sweep whose strategies are ranked together, and the settings that tell rankings apart."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sppl.artifacts.provenance import canonical
from sppl.cli.jobs import Job

PARTS = ("benchmark", "target_model", "strategy", "generator")
"""What results depend on beside their training, where a command does not rank."""
CHOOSING = {"strategy", "strategy.only", "strategy.derived"}
"""Settings that choose strategies; jobs that differ in no other are ranked together."""
LISTS = ("only", "derived")
"""What chooses among the strategies that files hold; an empty `only` is all of them."""

METRICS = re.compile(r"[+~]*metric(\.|$)")
"""Matches settings of metrics."""


@dataclass
class Together:
    """Jobs whose strategies are ranked together.

    Args:
        arguments: of `rank`, with the strategies of all these jobs.
        jobs: the jobs.
        settings: what tells them from other jobs of the same benchmark and target, as typed (`n_score=10`).
    """

    arguments: dict[str, Any]
    jobs: list[Job] = field(default_factory=list)
    settings: tuple[str, ...] = ()

    @property
    def pair(self) -> tuple[str, str]:
        """The names of benchmark and target."""
        return tuple(str((self.arguments.get(key) or {}).get("name")) for key in PARTS[:2])  # type: ignore


def group_jobs(jobs: Sequence[Job]) -> list[Together]:
    """Returns the jobs that are ranked together: those that differ in nothing that a ranking depends on but strategies.

    A strategy with other settings (another teacher, say) is another ranking, never the later in the place of the first.
    """
    groups: dict[str, list[Together]] = {}
    for job in jobs:
        arguments = dict(job.config["stage"].get("rank") or {key: job.config.get(key) for key in PARTS})
        asks = "strategy" in arguments  # the records of published studies bring their own
        own: Mapping[str, Any] = arguments.pop("strategy", None) or {}
        recipes = sorted(word for word in job.overrides if _shapes_strategies(word))
        alike = groups.setdefault(json.dumps(canonical([arguments, recipes]), sort_keys=True), [])
        found = next((one for one in alike if _agree(one.arguments.get("strategy", {}), own)), None)
        if found is None:
            alike.append(found := Together(arguments))
        if asks:
            found.arguments["strategy"] = _unite(found.arguments.get("strategy", {}), own)
        found.jobs.append(job)
    every = [one for alike in groups.values() for one in alike]
    for pair in dict.fromkeys(one.pair for one in every):
        _tell_apart([one for one in every if one.pair == pair])
    return every


def settings_of(job: Job, groups: Sequence[Together]) -> tuple[str, ...]:
    """Returns what tells a job from others of its benchmark and target, for one that is in none of the groups."""
    keys = {word.partition("=")[0] for one in groups for word in one.settings}
    return tuple(word for word in job.overrides if word.partition("=")[0] in keys)


def _shapes_strategies(word: str) -> bool:
    """Whether an override is about the recipes of strategies, not about which are compared."""
    key = word.partition("=")[0].lstrip("+~")
    return key not in CHOOSING and (key.startswith("strategy.") or "@strategy." in key)


def _agree(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether no strategy of both has other settings in one of them."""
    apart = LISTS if "_target_" in other else ()
    return all(canonical(one[key]) == canonical(other[key]) for key in {*one} & {*other} - {*apart})


def _unite(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The strategies of both; of files all that either chooses."""
    if "_target_" not in other or not one:
        return {**one, **other}
    only, derived = ([[*(part.get(key) or [])] for part in (one, other)] for key in LISTS)
    names = list(dict.fromkeys(name for part in only for name in part)) if all(only) else None
    return {**one, "only": names, "derived": list(dict.fromkeys(name for part in derived for name in part))}


def _tell_apart(groups: Sequence[Together]) -> None:
    """Gives groups of one benchmark and target the settings in which they differ, where there are several.

    Settings of metrics do so only where a metric is in several groups that nothing else tells apart.
    """
    values = [_values(one.jobs) for one in groups]
    keys = [key for key in dict.fromkeys(key for one in values for key in one) if _differ(values, key)]
    without = [key for key in keys if not METRICS.match(key)]
    for some in (without, keys):
        for one, own in zip(groups, values, strict=True):
            one.settings = tuple(word for key in some for word in own.get(key, [])[:1])
        shown = [(one.settings, name) for one in groups for name in one.arguments.get("metric") or ["results"]]
        if len(set(shown)) == len(shown):
            break


def _values(jobs: Sequence[Job]) -> dict[str, list[str]]:
    """Setting -> the words by which jobs give it a value."""
    found: dict[str, list[str]] = {}
    for word in (word for job in jobs for word in job.overrides):
        known = found.setdefault(word.partition("=")[0], [])
        if word not in known:
            known.append(word)
    return found


def _differ(values: Sequence[Mapping[str, Sequence[str]]], key: str) -> bool:
    """Whether two groups have no value of a setting in common."""
    own = [set(one.get(key, ())) for one in values]
    return any(not one & other for number, one in enumerate(own) for other in own[:number])
