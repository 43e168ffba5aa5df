"""The command line as it was typed, and the words that start this program again."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from sppl.cli.own_model import without_chosen
from sppl.commands import CHECKOUT, SEARCHED, folders

WORD = "check"
"""The word of the command that looks at a user's own files."""


def program() -> str:
    """Returns the words that start this program: `python run.py` in a checkout, else `sppl` or `python -m sppl`."""
    path = Path(sys.argv[0])
    if path.name == "__main__.py":
        return "python -m sppl"
    return f"python {shlex.quote(sys.argv[0])}" if path.suffix == ".py" else path.name


def command_line() -> tuple[str, ...]:
    """Returns the words that start the program, followed by every argument that was typed."""
    return (program(), *without_chosen(sys.argv[1:]))


def job_line(overrides: Sequence[str]) -> tuple[str, ...]:
    """Returns the command line of one job of this command; of a sweep's values it has those of the job.

    Args:
        overrides: of the job, as Hydra tells them.
    """
    typed = command_line()
    places = [word for word in typed if word.startswith(f"{SEARCHED}=")]
    return (typed[0], *folders(typed), *places, *without_chosen(overrides))


def in_own_words(text: str) -> str:
    """Returns the message with its commands spelled as the user started this program."""
    return text.replace(CHECKOUT, program())
