"""Lists every setting that any choice of a group has, so that messages can name those of other choices."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sppl.packaged import conf

NO_CHOICES = {"experiment", "hydra/hydra_logging", "hydra/job_logging", "hydra/sweeper"}
"""Groups whose files have no settings of their own: overlays of others, or Hydra's plumbing."""


@cache
def every_setting() -> Mapping[str, tuple[str, ...]]:
    """Returns every setting and group of settings, as typed (`generator.concurrency`), with the choices that have it.

    A choice is written as it is typed (`generator=server`); settings that every command has come without any.
    """
    found = dict[str, dict[str, None]]()
    for file in sorted(conf().rglob("*.yaml")):
        group = file.parent.relative_to(conf()).as_posix()
        if group in NO_CHOICES or "shared" in group or file.name == "config.yaml":
            continue
        for place in _places(file):
            found.setdefault(place, {})[choice(group, file.stem)] = None
    for place in [*_places(conf() / "config.yaml"), *_places(conf() / "paths" / "default.yaml")]:
        found[place] = {}
    return {place: tuple(choices) for place, choices in found.items()}


def choice(group: str, name: str) -> str:
    """Returns how an option of a group is typed."""
    return f"{group}=[{name}]" if group in list_groups() else f"{group}={name}"


@cache
def list_groups() -> frozenset[str]:
    """Returns the groups that take a list of options, as `config.yaml` shows."""
    return frozenset(group for group, chosen in _defaults(conf() / "config.yaml") if isinstance(chosen, list))


def options(group: str) -> list[str]:
    """The options of a group."""
    return sorted(path.stem for path in (conf() / group).glob("*.yaml"))


@cache
def groups() -> tuple[str, ...]:
    """The groups one can choose from, `hydra/launcher` too."""
    folders = (path.relative_to(conf()).as_posix() for path in conf().rglob("*") if path.is_dir())
    return tuple(sorted(group for group in folders if group != "hydra" and "shared" not in group))


def _places(file: Path, package: str | None = None) -> Iterator[str]:
    """The settings of a file and of those that it builds upon."""
    text = file.read_text(encoding="utf-8")
    group = file.parent.relative_to(conf()).as_posix().replace("/", ".")
    if package is None:
        head = text.partition("\n")[0]
        package = head.removeprefix("# @package ").strip() if head.startswith("# @package ") else group.strip(".")
        package = "" if package == "_global_" else package
    if file.name != "config.yaml":
        for name, option in _defaults(file):
            part, _, place = name.partition("@")
            inner = package if place in ("", "_here_") else f"{package}.{place}"
            if name.startswith("override") or not isinstance(option, str):
                continue
            folder = conf() / part.lstrip("/") if part.startswith("/") else file.parent / part
            yield from _places(folder / f"{option}.yaml", inner)
    yield from _under({key: value for key, value in _read(file).items() if key != "defaults"}, package)


def _under(settings: Mapping[Any, Any], place: str) -> Iterator[str]:
    for key, value in settings.items():
        inner = f"{place}.{key}" if place else str(key)
        yield inner
        if isinstance(value, Mapping):
            yield from _under(value, inner)


def _defaults(file: Path) -> Iterator[tuple[str, Any]]:
    """The entries of a file's list of defaults as group (with `@place`) and option; `_self_` left out."""
    listed: Iterable[Any] = _read(file).get("defaults", [])
    for one in listed:
        if isinstance(one, dict):
            yield from ((str(name), option) for name, option in one.items())
        elif one != "_self_":
            option, _, place = str(one).partition("@")
            folder, _, option = option.rpartition("/")
            yield f"{folder}@{place}" if place else folder, option


@cache
def _read(file: Path) -> dict[str, Any]:
    import yaml

    return dict(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
