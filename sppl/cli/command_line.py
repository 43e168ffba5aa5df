"""The command line as it was typed, with the words that start this program."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

CHECKOUT = "python run.py"
"""How messages name the command; whoever starts it otherwise reads his own words."""
WORD = "check"
"""What is typed before the settings of a local benchmark to look at its files."""


def program() -> str:
    """What starts this program again: `python run.py` in a checkout, `sppl` or `python -m sppl` where installed."""
    path = Path(sys.argv[0])
    if path.name == "__main__.py":
        return "python -m sppl"
    return f"python {shlex.quote(sys.argv[0])}" if path.suffix == ".py" else path.name


def command_line() -> tuple[str, ...]:
    """The program, and after it every argument."""
    return (program(), *sys.argv[1:])


def in_own_words(text: str) -> str:
    """A message whose commands can be typed where this one was."""
    return text.replace(CHECKOUT, program())


def again(typed: Sequence[str], settings: Sequence[str]) -> str:
    """What was typed, with settings that take the place of those of the same name, as a line for the shell.

    Args:
        typed: the words behind the program.
        settings: each `name=value`.
    """
    new = {one.partition("=")[0] for one in settings}
    kept = [word for word in typed if word.partition("=")[0].lstrip("+") not in new and word != WORD]
    return " ".join([program(), shlex.join([*kept, *settings])])
