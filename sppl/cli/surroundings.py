"""Checks the folder a command is typed in and how Python was started, and repairs closed output streams."""

import atexit
import os
import sys
from collections.abc import Sequence
from pathlib import Path


def check_surroundings(given: Sequence[str]) -> str:
    """Returns why no command can run here (folder, encoding, Python's flags); empty if all is well."""
    if sys.flags.optimize > 1:
        return "python -OO takes away docstrings, which transformers reads; use python or python -O"
    try:
        here = str(Path.cwd())
    except OSError:
        return "the folder this is typed in is not there any more; go to one that is: cd FOLDER"
    if unreadable := [text for text in (here, *given) if _no_utf8(text)]:
        return f"{unreadable[0]!a} is no UTF-8, which settings are written in; take a folder or a name that is"
    if "${" in here:  # Hydra writes it into its settings, and reads it there as a reference
        return f"{here} has `${{` in its name, which settings take for a reference; use a folder without it"
    return ""


def _no_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def open_missing_streams() -> None:
    """Opens the null device in the place of a standard output or error that was closed."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
    atexit.unregister(_let_go)  # once, however often it is called
    atexit.register(_let_go)


def _let_go() -> None:
    """Keeps Python from complaining at its end that the reader of standard output went away."""
    try:
        if not sys.stdout.closed:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
