"""Finds a task's files in a checkout of the repository of arXiv 2502.11779, which spells their names variously."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sppl.data.problems import file_names
from sppl.schemas import UserError

HOW = "get a checkout of github.com/XuanRen4470/SPPL and say data_dir=FOLDER"
VARIANTS = ("varient", "variant")
"""Spellings of the folder with further strategies' files; the first is the authors' own."""


@dataclass(frozen=True)
class TaskFolder:
    """The folder of one task, in which names are found whatever their case."""

    path: Path

    @classmethod
    def at(cls, root: str | None, task: str) -> "TaskFolder":
        """Returns the folder `dataset/TASK` of a checkout.

        Raises:
            UserError: there is no such folder; the message names the folders that are there.
        """
        if root is None:
            raise UserError(f"benchmark.source=upstream needs the authors' repository: {HOW}")
        path = Path(root)
        for part in ("dataset", *task.split("/")):
            inside = path.iterdir() if path.is_dir() else ()
            found = _named(part, inside)
            if found is None or not found.is_dir():
                there = file_names(path.iterdir()) if path.is_dir() else "nothing"
                raise UserError(f"{path / part} is not there; {path} has {there}; {HOW}")
            path = found
        return cls(path)

    def first(self, wanted: Sequence[str]) -> Path | None:
        """Returns the first of these files that exists, each a name or a path below the folder."""
        for name in wanted:
            found: Path | None = self.path
            for part in name.split("/"):
                found = _named(part, found.iterdir()) if found and found.is_dir() else None
            if found and found.is_file():
                return found
        return None

    def answers(self, spellings: Sequence[str]) -> Path | None:
        """Returns the file of a strategy by the first of its spellings that has one.

        The authors add `gpt4_generated_` in front of some names, and `_1000` behind.
        """
        files = self.files()
        for name in spellings:
            for stem in (name, f"{name}_1000", f"gpt4_generated_{name}", f"gpt4_generated_{name}_1000"):
                found = next((path for path in files if path.stem.casefold() == stem.casefold()), None)
                if found:
                    return found
        return None

    def files(self) -> list[Path]:
        """Returns the JSON files of the folder, then those of its folder of variants."""
        inside = sorted(self.path.iterdir())
        variants = [path for path in inside if path.is_dir() and path.name.casefold() in VARIANTS]
        every = [*inside, *(path for folder in variants for path in sorted(folder.iterdir()))]
        return [path for path in every if path.suffix.lower() == ".json" and path.is_file()]

    def others(self, read: Iterable[Path]) -> str:
        """Returns the names of files and folders that were not read, for a message."""
        used = set(read)
        inside = [path for path in self.path.iterdir() if path.is_dir() and path.name.casefold() not in VARIANTS]
        rest = [path.name for path in self.files() if path not in used]
        return ", ".join(sorted([*rest, *(f"{path.name}/" for path in inside)])) or "nothing"


def _named(name: str, paths: Iterable[Path]) -> Path | None:
    """The path of that name, or else the first whose name differs in case only."""
    alike = [path for path in sorted(paths) if path.name.casefold() == name.casefold()]
    return next((path for path in alike if path.name == name), alike[0] if alike else None)
