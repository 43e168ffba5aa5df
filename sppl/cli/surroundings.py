"""Where a command is typed, and by which Python: what nothing can be done in is refused in a sentence."""

import atexit
import os
import sys
from collections.abc import Sequence
from pathlib import Path


def check_surroundings(given: Sequence[str]) -> str:
    """Why nothing can be done here: the folder, the arguments' bytes, how Python was started; empty if all is well."""
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
    """Gives a process whose standard output or error was closed an end that takes everything and shows nothing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
    atexit.unregister(_let_go)  # once, however often it is called
    atexit.register(_let_go)


def _let_go() -> None:
    """Where the reader of standard output went away, Python would complain of it at its end."""
    try:
        if not sys.stdout.closed:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
