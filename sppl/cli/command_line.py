"""The command line as it was typed, with the words that start this program."""

import shlex
import sys
from pathlib import Path

CHECKOUT = "python run.py"
"""How messages name the command; whoever starts it otherwise reads his own words."""


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
