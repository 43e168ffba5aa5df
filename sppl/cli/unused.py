"""Finds typed settings that nothing in this run reads, though another run would."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sppl.cli.known import every_setting
from sppl.cli.unknown import nearest, places_of, walk_settings
from sppl.packaged import conf

ALWAYS = {"name", "store", "reports", "dry", "job_name", "run_dir", "group", "sweep", "models", "experiment", "paths"}
"""Settings that every run reads, or the command itself."""
REFERENCE = re.compile(r"\$\{(?:[\w.]+:)?(?P<place>\w[\w.]*)")
HARNESS = re.compile(r"hydra\.(?!launcher\b)")
"""Hydra's own settings, whose use only Hydra knows."""
WAKES = {
    "teacher": "a strategy whose teacher it is, with benchmark.respond=teacher",
    "benchmark.responders": "benchmark.respond=teacher",
    "max_cost": "benchmark.respond=teacher",
    "confirm": "benchmark.respond=teacher",
    "benchmark.sources": "another benchmark.source",
    "scorer.first": "scorer.budget=race",
    "scorer.then": "scorer.budget=race",
    "scorer.error": "scorer.budget=race",
    "training.n_validation": "training.select=best",
    "strategy.best": "'strategy.derived=[best_response]'",
    "hydra.launcher": "a sweep (-m)",
    "hydra/launcher": "a sweep (-m)",
    "beds": "experiment=beds",
    "records": "experiment=paper",
}
"""What makes a setting take effect that another one switches off, special cases first; the others depend on stages."""


def check_added(words: Sequence[str], config: Mapping[str, Any], *, sweep: bool) -> str:
    """Returns the message about an added setting (`+key=value`) that nothing could read; empty if there is none."""
    added = [word for word in words if word.startswith("+")]
    for word in idle_words(added, config, sweep=sweep):
        key = word.partition("=")[0].lstrip("+")
        if key in every_setting() or "@" in key or "/" in key:
            continue
        parent, _, last = key.rpartition(".")
        near = nearest(last, [one for one in places_of(config) if one.startswith(f"{parent}.") and one != key])
        hint = f"did you mean `{near[0]}`? " if near else ""
        return f"{word}: nothing reads a setting `{key}`; {hint}All there are: python run.py --cfg job"
    return ""


def describe_idle_words(words: Sequence[str], config: Mapping[str, Any], *, sweep: bool) -> str:
    """Returns one line that names the words nothing reads, and what would read each; empty where all are read."""
    said: list[str] = []
    for word in idle_words(words, config, sweep=sweep):
        key = word.partition("=")[0].lstrip("+~")
        by = next((wakes for place, wakes in WAKES.items() if _within(key, place)), "") or _readers(key)
        said.append(f"{word} (read by {by})" if by else word)
    if not said:
        return ""
    stages = ",".join(map(str, config.get("stage") or {}))
    return f"typed, and not used in this run of [{stages}]: {'; '.join(said)}"


def _readers(key: str) -> str:
    """Stages whose files refer to a setting, or to the group it is of."""
    place = re.compile(rf"\$\{{{re.escape(re.split('[./@]', key)[0])}\b")
    files = sorted((conf() / "stage").glob("*.yaml"))
    names = [file.stem for file in files if place.search(file.read_text(encoding="utf-8"))]
    return ", ".join(name for name in names if not name.startswith("pilot_"))


def idle_words(words: Sequence[str], config: Mapping[str, Any], *, sweep: bool) -> list[str]:
    """Returns the typed words that nothing reads in a run with this configuration.

    Args:
        words: overrides as typed, `key=value`.
        config: of the run, its references not resolved.
        sweep: whether it is a sweep: only that has a launcher.
    """
    read = _read_by_stages(config)
    rules = list(_asleep(config, sweep=sweep))
    return [word for word in words if _idle(word.partition("=")[0].lstrip("+~"), read, rules)]


def settings_in_use(config: Mapping[str, Any], resolved: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings that a run reads, by their places as typed (`training.learning_rate`).

    Args:
        config: of the run, its references not resolved.
        resolved: the same, resolved.
    """
    read, asleep = _read_by_stages({**config, "logger": {}}) | {"name", "seed"}, list(_asleep(config, sweep=True))
    written = {place for place, value in walk_settings(config) if not (isinstance(value, str) and "${" in value)}
    return {
        place: value
        for place, value in walk_settings(resolved)
        if not place.endswith("_target_")
        and (place in written if place.startswith("stage.") else any(_within(place, one) for one in read))
        and not any(_within(place, rule) for rule in asleep)
    }


def _idle(key: str, read: set[str], rules: Sequence[str]) -> bool:
    place = (key.partition("@")[2] or key).replace("_global_.", "").replace("/", ".")
    if place.split(".")[0] in ALWAYS or HARNESS.match(place):
        return False
    if any(_within(place, rule) for rule in rules):
        return True
    if place.split(".")[0] in ("stage", "logger", "hydra"):
        return False
    return not any(_within(place, one) or _within(one, place) for one in read)


def _within(place: str, other: str) -> bool:
    return place == other or place.startswith(f"{other}.")


def _read_by_stages(config: Mapping[str, Any]) -> set[str]:
    """The places that the chosen stages and loggers refer to, and those that these refer to in turn."""
    # What a report or an export is called after is no use of a folder.
    stages = [
        {key: value for key, value in one.items() if key != "data"} for one in (config.get("stage") or {}).values()
    ]
    read, new = set[str](), set(_references([stages, config.get("logger")]))
    while new:
        read |= new
        new = {place for one in new for place in _references(_at(config, one))} - read
    return read


def _references(value: Any) -> Iterator[str]:
    for _, one in walk_settings(value):
        if isinstance(one, str):
            yield from (found["place"] for found in REFERENCE.finditer(one))


def _at(config: Any, place: str) -> Any:
    for key in place.split("."):
        config = config.get(key) if isinstance(config, Mapping) else None
    return config


def _asleep(config: Mapping[str, Any], *, sweep: bool) -> Iterator[str]:
    """Places that nothing reads because of another setting, although they are passed on."""
    benchmark, scorer, training = (config.get(key) or {} for key in ("benchmark", "scorer", "training"))
    strategy = config.get("strategy") or {}
    responders = benchmark.get("responders") or {}
    if not sweep:
        yield "hydra.launcher"
    source = (benchmark.get("sources") or {}).get(benchmark.get("source"), {"responses": True})
    if benchmark.get("respond") not in responders and "responses" in source:
        yield from ("teacher", "benchmark.responders", "max_cost", "confirm")
    elif asked := set(_teachers(strategy)):
        yield from (f"teacher.{name}" for name in config.get("teacher") or {} if name not in asked)
    for other in benchmark.get("sources") or {}:
        if other != benchmark.get("source") and not _holds(source, other):
            yield f"benchmark.sources.{other}"
    if scorer.get("budget") == "fixed":
        yield from ("scorer.first", "scorer.then", "scorer.error")
    if training.get("select") == "final":
        yield "training.n_validation"
    if "derived" in strategy and "best_response" not in (strategy["derived"] or []):
        yield "strategy.best"


def _teachers(strategies: Mapping[str, Any]) -> Iterator[str]:
    """The teachers that these recipes ask, those of derived strategies' parts too."""
    for recipe in strategies.values():
        if isinstance(recipe, Mapping):
            if recipe.get("teacher"):
                yield str(recipe["teacher"])
            yield from _teachers(recipe.get("of") or {})


def _holds(chosen: Any, other: str) -> bool:
    """Whether one source is written in terms of another."""
    return any(f"benchmark.sources.{other}." in str(value) for _, value in walk_settings(chosen))
