"""Checks typed values against the annotations of the code that takes them, before anything runs."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from sppl.bounds import Natural, fits, in_words, literals
from sppl.cli.known import every_setting
from sppl.cli.unknown import nearest

OF_THE_COMMAND = {"dry": bool, "name": str, "store": str, "reports": str, "job_name": str, "seed": Natural}
"""What the command line itself reads."""
FOLDERS = ("store", "reports", "exports", "models", "data_dir")
"""Settings that name a folder; an empty one would be the folder the command is typed in."""


def check_kinds(words: Sequence[str], config: Mapping[str, Any]) -> str:
    """Returns what is wrong with a typed value or an added key; empty if nothing is.

    Args:
        words: overrides as typed.
        config: of the run, its references not resolved.
    """
    for word in words:
        key = word.partition("=")[0]
        if key.startswith("~") or "@" in key or "/" in key:
            continue
        place = key.lstrip("+").split(".")
        value = _at(config, place)
        if said := _check_added(word, place, value, config) or _check_value(word, place, value, config):
            return said
    return ""


def _check_added(word: str, place: list[str], value: Any, config: Mapping[str, Any]) -> str:
    """The message about an added key that the component it was added to does not take; empty if it does."""
    inner = [[*place, str(key)] for key in value] if word.startswith("+") and isinstance(value, Mapping) else [place]
    for full in inner if word.startswith("+") else []:
        for depth in range(1, len(full)):
            takes = _parameters(_at(config, full[:depth]))
            if takes is None:
                continue
            if full[depth] in takes or full[depth].startswith("_"):
                break
            near = nearest(full[depth], takes)
            there = f"did you mean `{'.'.join([*full[:depth], near[0]])}`? " if near else ""
            known = ", ".join(key for key in takes if key != "store")
            return f"{word}: nothing reads `{'.'.join(full[: depth + 1])}`; {there}There are: {known}"
    return ""


def _check_value(word: str, place: list[str], value: Any, config: Mapping[str, Any]) -> str:
    """The message about a value that is not of the annotated type; empty if it is."""
    if value is _NOTHING or (isinstance(value, str) and "${" in value):
        return ""
    for hint in _hints(place, config):
        if not fits(value, hint):
            near = get_close_matches(str(value), [str(one) for one in literals(hint)], n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            if isinstance(value, Mapping) and (whole := every_setting().get(".".join([*place, "_target_"]))):
                meant = f"; it comes whole with {' or '.join(whole)}, and is then changed key by key"
            return f"{word}: `{'.'.join(place)}` is {in_words(hint)}{meant}"
    if len(place) == 1 and place[0] in FOLDERS and value == "":
        return f"{word}: `{place[0]}` names a folder; the one you are in is {place[0]}=."
    return ""


class _NOTHING:
    """There is no such place."""


def _at(config: Any, place: Sequence[str]) -> Any:
    for key in place:
        if not isinstance(config, Mapping) or key not in config:
            return _NOTHING
        config = config[key]
    return config


def _hints(place: list[str], config: Mapping[str, Any]) -> Iterator[Any]:
    """The annotations of a setting: where it stands itself, and where another setting refers to it alone."""
    if len(place) == 1 and place[0] in OF_THE_COMMAND:
        yield OF_THE_COMMAND[place[0]]
    takes = _parameters(_at(config, place[:-1])) if len(place) > 1 else None
    if takes and place[-1] in takes:
        yield takes[place[-1]]
    wanted = f"${{{'.'.join(place)}}}"
    for node in _called(config):
        for key, value in node.items():
            if value == wanted and (takes := _parameters(node)) and key in takes:
                yield takes[key]


def _called(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every part of a configuration that code is called with."""
    if isinstance(value, Mapping):
        if "_target_" in value:
            yield value
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from _called(part)


def _parameters(node: Any) -> dict[str, Any] | None:
    """The parameters of the component that a part of the configuration names; None where it names none."""
    from hydra.utils import get_object

    if not isinstance(node, Mapping) or not isinstance(node.get("_target_"), str):
        return None
    try:
        taken = get_object(node["_target_"])
        try:
            parameters = inspect.signature(taken, eval_str=True).parameters
        except NameError:  # an annotation that only a type checker knows
            parameters = inspect.signature(taken).parameters
    except (ImportError, AttributeError, TypeError, ValueError):  # the run says what is wrong with it
        return None
    if any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return None
    return {name: one.annotation for name, one in parameters.items()}
