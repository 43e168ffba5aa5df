"""Finds files that come with the package, installed or in a checkout. Nothing heavy is imported."""

from importlib.resources import files
from pathlib import Path

PACKAGE = Path(str(files("sppl")))


def conf() -> Path:
    """Returns the folder of configuration files: in the installed package, or beside it in a checkout."""
    inside = PACKAGE / "conf"
    return inside if inside.is_dir() else PACKAGE.parent / "conf"


def lab_checkpoint() -> Path:
    """Returns the folder of the lab's target model."""
    return PACKAGE / "lab" / "checkpoint"


def in_checkout(path: str) -> str:
    """Returns the path of a file or folder of the project that is not part of the package.

    Raises:
        UserError: the package is installed without its checkout.
    """
    found = PACKAGE.parent / path
    if not found.exists():
        from sppl.schemas import UserError

        raise UserError(
            f"{path} comes with a checkout of the project, not with the installed package: run this command from a "
            "checkout (python run.py ...)"
        )
    return str(found)
