"""Refuses settings that nothing reads: additions at the top level, and a data folder that no benchmark looks into."""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from sppl.packaged import conf


def check_unused(config: Mapping[Any, Any]) -> str:
    """Returns what to type instead of a setting that nothing reads; empty if all is well.

    A key that another setting refers to, as in `+rate=1e-4 training.learning_rate='${rate}'`, is read.

    Args:
        config: of a job, its references not resolved.
    """
    for key in map(str, config):
        if key in _known() or _referred(config, key):
            continue
        near = nearest(key, places_of(config))
        hint = f"did you mean {' or '.join(f'`{one}`' for one in near)}? " if near else ""
        return f"{key}={config[key]}: nothing reads a setting `{key}`; {hint}All there are: python run.py --cfg job"
    folder = config.get("data_dir")
    if folder is not None and not _referred(_unnamed(config), "data_dir"):
        chosen = (config.get("benchmark") or {}).get("name")
        return (
            f"data_dir={folder}: benchmark={chosen} reads no folder; for files of your own: "
            f"benchmark=local data_dir={folder} benchmark.answer=text (or number, choice, none)"
        )
    return ""


@cache
def _known() -> frozenset[str]:
    """The keys and groups of `config.yaml`, and the places of `paths`."""
    import yaml

    main, places = (yaml.safe_load((conf() / name).read_text()) for name in ("config.yaml", "paths/default.yaml"))
    groups = {str(key) for one in main.pop("defaults") if isinstance(one, dict) for key in one}
    return frozenset({*main, *groups, *places})


def _unnamed(config: Mapping[Any, Any]) -> dict[Any, Any]:
    """The configuration without the names of reports and exports: to be called after a folder is not to read it."""
    stages = config.get("stage") or {}
    return {**config, "stage": {key: {k: v for k, v in one.items() if k != "data"} for key, one in stages.items()}}


def _referred(config: Mapping[Any, Any], key: str) -> bool:
    """Whether a setting refers to a key at the top."""
    wanted = re.compile(rf"\$\{{(?:[\w.]+:)?{re.escape(key)}\b")
    return any(isinstance(value, str) and wanted.search(value) for _, value in walk_settings(config))


def walk_settings(config: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yields every setting as its dotted place and its value."""
    inner = config.items() if isinstance(config, Mapping) else enumerate(config) if isinstance(config, list) else ()
    if not isinstance(config, Mapping | list):
        yield place, config
    for key, value in inner:
        yield from walk_settings(value, f"{place}.{key}" if place else str(key))


def places_of(config: Mapping[Any, Any]) -> list[str]:
    """Returns the dotted places of all settings and groups of them; stages come last, as they only pass others on."""
    found = [place for place, _ in walk_settings(config) if place.partition(".")[0] in _known()]
    places = {place[: end.start()] if end else place for place in found for end in (None, *re.finditer(r"\.", place))}
    return sorted(places, key=lambda place: (place.startswith("stage."), place.count("."), place))


def nearest(key: str, places: Iterable[str]) -> list[str]:
    """Returns at most two settings whose name is the key, is abbreviated by it, or is spelled almost like it."""
    ends = dict[str, list[str]]()
    for place in places:
        known = ends.setdefault(place.rpartition(".")[2], [])
        if not (known and place.startswith("stage.")):  # stages only pass on what stands elsewhere
            known.append(place)
    wanted = key.lower()
    same = [end for end in ends if wanted in (end, "".join(word[:1] for word in end.split("_")))]
    return [place for end in same or get_close_matches(wanted, ends, n=2) for place in ends[end]][:2]
