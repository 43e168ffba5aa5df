"""Checks the choices of configuration groups: empty lists, and lists for groups that take one choice."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sppl.cli.command_line import command_line
from sppl.cli.known import list_groups
from sppl.commands import CHECKOUT, command
from sppl.packaged import conf

LISTED = re.compile(r"[+~]*(?P<group>[\w/]+)(?P<place>@[\w.@:]+)?=\[(?P<choices>[^\]]*)\]")
"""A group that is given a list, as typed; `place` is another part of the configuration that it fills."""


def check_typed_lists(arguments: Sequence[str]) -> str:
    """Returns the message about a list that was typed for a group that takes one choice; empty where there is none.

    Hydra would compose them all over each other, in silence.
    """
    for given in arguments:
        found = LISTED.match(given)
        if found and _takes_one(found["group"], found["place"]):
            names = re.split(r"\s*,\s*", found["choices"].strip())
            return _sentence(f"{found['group']}{found['place'] or ''}", names, arguments)
    return ""


def check_composed_lists(choices: Mapping[Any, Any]) -> str:
    """Checks the composed choices in the same way, as a user's own configuration file may hold such a list.

    Args:
        choices: of every group, as Hydra tells them.
    """
    for key, chosen in choices.items():
        group, at, place = str(key).partition("@")
        if not isinstance(chosen, str | None) and _takes_one(group, at + place):
            return _sentence(str(key), [str(one) for one in chosen], command_line()[1:])
    return ""


def _sentence(group: str, chosen: list[str], arguments: Sequence[str]) -> str:
    names = [name for name in chosen if name]
    if len(names) < 2:
        return (
            f"{group}=[{','.join(names)}]: `{group}` takes one choice, not a list: {group}={''.join(names) or 'NAME'}"
        )
    return (
        f"{group}=[{','.join(names)}]: `{group}` takes one choice, not a list; a sweep makes one job of each: "
        + command((CHECKOUT, *arguments), f"{group}={','.join(names)}", sweep=True)
    )


def _takes_one(group: str, place: str | None) -> bool:
    """Whether a group takes one choice; groups that a user added himself are not checked."""
    return (conf() / group).is_dir() and (bool(place) or group not in list_groups())


def refuse_empty_lists(config: Mapping[Any, Any]) -> None:
    """Refuses empty lists, because an empty list makes its key vanish from the configuration.

    Args:
        config: of a job.

    Raises:
        UserError: there is one; the message has the choices.
    """
    for group, example in (("stage", "score"), ("strategy", "gpt4"), ("metric", "sppl")):
        if not config.get(group):
            from sppl.schemas import UserError

            choices = ", ".join(sorted(path.stem for path in conf().glob(f"{group}/*.yaml")))
            raise UserError(
                f"the list `{group}` is empty; choose one or more, e.g. '{group}=[{example}]'. There are: {choices}"
            )
