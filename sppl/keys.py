"""Keys and passwords: where they are recognised, so that none is ever written down."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

SECRET_VALUE = re.compile(r"\b(sk-[\w-]{16,}|hf_\w{16,}|wandb_v\d+_\w{16,})")
SECRET_NAME = re.compile(r"(api_?key|token|secret|password)$", re.IGNORECASE)


def check_arguments(arguments: Iterable[str]) -> str:
    """What to tell the user if a command line argument (`name=value`) looks like a key; empty if none does.

    The sentence holds the argument's name, never its value. No heavy import stands before this check.
    """
    for argument in arguments:
        name, _, value = argument.partition("=")
        if SECRET_VALUE.search(argument) or (SECRET_NAME.search(name) and value not in ("", "null")):
            return (
                f"{name}: this argument looks like a key, and arguments are written to disk. Put the key into an "
                "environment variable and give its name: ...api_key_env=NAME"
            )
    return ""


def check_for_keys(config: Mapping[Any, Any]) -> str:
    """What to tell the user if a configuration holds a key, written out or read from the environment; else empty.

    The sentence holds the place, never the value: whatever looks like a key, has a key's name, or is what an
    environment variable with a key's name says.
    """
    kept = {value for name, value in os.environ.items() if SECRET_NAME.search(name) and len(value) >= 12}
    for place, value in _texts(config):
        held = SECRET_VALUE.search(value) or any(secret in value for secret in kept)
        if held or (SECRET_NAME.search(place) and value):
            return (
                f"{place}: the value of this setting looks like a key, and the configuration is written to disk. Leave "
                "the key in an environment variable and give its name: ...api_key_env=NAME"
            )
    return ""


def without_keys(text: str, *known: str) -> str:
    """The text with `[key]` in the place of known keys and of whatever else looks like one."""
    for key in known:
        text = text.replace(key, "[key]") if len(key) >= 6 else text
    return SECRET_VALUE.sub("[key]", text)


def _texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a configuration with the dotted place where it stands."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _texts(part, f"{place}.{name}".removeprefix("."))
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from _texts(part, f"{place}.{at}")


def wandb_key() -> bool:
    """Whether W&B can log in: a key in the environment or in ~/.netrc."""
    netrc = Path.home() / ".netrc"
    return bool(os.environ.get("WANDB_API_KEY")) or (netrc.is_file() and "wandb" in netrc.read_text(errors="ignore"))
