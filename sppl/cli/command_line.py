"""The command line as it was typed, with the words that start this program."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from sppl.cli.own_model import without_chosen
from sppl.commands import CHECKOUT, SEARCHED, folders

WORD = "check"
"""What is typed before the settings of a local benchmark to look at its files."""


def program() -> str:
    """What starts this program again: `python run.py` in a checkout, `sppl` or `python -m sppl` where installed."""
    path = Path(sys.argv[0])
    if path.name == "__main__.py":
        return "python -m sppl"
    return f"python {shlex.quote(sys.argv[0])}" if path.suffix == ".py" else path.name


def command_line() -> tuple[str, ...]:
    """The program, and after it every argument that was typed."""
    return (program(), *without_chosen(sys.argv[1:]))


def job_line(overrides: Sequence[str]) -> tuple[str, ...]:
    """The command line that is one job of this one: of a sweep's values those of the job.

    Args:
        overrides: of the job, as Hydra tells them.
    """
    typed = command_line()
    places = [word for word in typed if word.startswith(f"{SEARCHED}=")]
    return (typed[0], *folders(typed), *places, *without_chosen(overrides))


def in_own_words(text: str) -> str:
    """A message whose commands can be typed where this one was."""
    return text.replace(CHECKOUT, program())
