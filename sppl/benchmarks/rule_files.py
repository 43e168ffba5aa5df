"""The files that define how a task judges: its YAML, those it includes, and the modules of its functions."""

import re
from collections.abc import Iterator
from pathlib import Path

from sppl.artifacts.code_identity import code_digest, module_file

INCLUDED = re.compile(r"^include:\s*(.+?)\s*(?:#.*)?$", re.MULTILINE)
FUNCTION = re.compile(r"!function\s+([\w./]+)\.\w+")


def rule_digest(task_file: Path) -> str:
    """Returns a digest of these files, with the modules they import from the same folder."""
    return code_digest(_files(task_file))


def _files(task_file: Path) -> Iterator[Path]:
    yield task_file
    text = task_file.read_text(encoding="utf-8")
    for name in dict.fromkeys(FUNCTION.findall(text)):
        if (file := module_file(name, task_file.parent)) is not None:
            yield file
    for listed in INCLUDED.findall(text):
        for name in re.findall(r"[^\[\],'\"\s]+", listed):
            path = task_file.parent / name
            if path.is_file():
                yield from _files(path)
