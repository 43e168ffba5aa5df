"""Keys and passwords: where they are recognised, so that none is ever written down."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

SECRET_VALUE = re.compile(r"\b(sk-[\w-]{16,}|hf_\w{16,})")
SECRET_NAME = re.compile(r"(api_?key|token|secret|password)$", re.IGNORECASE)


def key_among(arguments: Iterable[str]) -> str:
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


def wandb_key() -> bool:
    """Whether W&B can log in: a key in the environment or in ~/.netrc."""
    netrc = Path.home() / ".netrc"
    return bool(os.environ.get("WANDB_API_KEY")) or (netrc.is_file() and "wandb" in netrc.read_text(errors="ignore"))
