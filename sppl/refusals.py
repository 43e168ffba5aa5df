"""What is refused before any work, and how a user is told."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sppl.schemas import UserError


def refuse_empty_lists(config: Mapping[Any, Any], conf: Path) -> None:
    """Refuses empty lists: an empty list makes its key vanish from the configuration.

    Args:
        config: of a job.
        conf: the folder of configuration files, which has the choices.
    """
    for group, example in (("stage", "score"), ("strategy", "gpt4"), ("metric", "sppl")):
        if not config.get(group):
            choices = ", ".join(sorted(path.stem for path in conf.glob(f"{group}/*.yaml")))
            raise UserError(
                f"the list `{group}` is empty; choose one or more, e.g. '{group}=[{example}]'. There are: {choices}"
            )


def sentence_of(error: Exception) -> str:
    """What a user needs to know of an error; of Hydra's on a component its name, what is wrong, and the choices."""
    what, _, where = str(error).partition("full_key:")
    what = re.sub(r"^Error in call to target '([\w.]+)':", r"\1:", what.strip())
    return " ".join(f"{where.strip()}: {what}".removeprefix(": ").split())
