"""Reads a folder of a user's own files and checks it as a whole: all questions, responses and problems."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from sppl.data.contents import READERS, Contents, read_contents
from sppl.data.formats import KNOWN, Format
from sppl.data.gathering import NAME, SPLITS, Gathering, first_ids, split_of
from sppl.data.hub import read_hub
from sppl.data.problems import Problem, refuse_problems
from sppl.keys import holds_key
from sppl.names import leads_out
from sppl.schemas import Question, UserError

log = logging.getLogger(__name__)

HUB = "hub:"
"""The prefix of a hub id in the place of a folder."""
Hub = Mapping[str, str | int | None]
"""`subset`, `revision`, `rows`, and the splits for `train`, `validation` and `test`; unused for a folder."""
ADVICE = (
    f"Formats read as they are: {KNOWN}. Other field names are mapped, e.g. "
    "'benchmark.questions.fields={question: task, response: reply, gold: label}'"
)


@dataclass(frozen=True)
class Task:
    """The contents of a folder: questions by split, and responses by strategy and question id."""

    questions: Mapping[str, tuple[Question, ...]]
    responses: Mapping[str, Mapping[str, str]]
    training: tuple[Question, ...] = ()
    """All training questions, also those that only some strategies answer."""


def load_folder(folder: str | None, how: Format, kind: str, hub: Hub) -> Task:
    """Returns the contents of a folder, or of one file or hub data set with a field `strategy`.

    Raises:
        UserError: anything is wrong with any file; every problem in one report.
    """
    return _load(*_key(folder, how, kind, hub))


def gather_folder(folder: str | None, how: Format, kind: str, hub: Hub) -> Gathering:
    """Returns what a folder's files hold, with counts and all problems, before anything is refused.

    Raises:
        UserError: there is no such folder, or no data file in it.
    """
    return _gathered(*_key(folder, how, kind, hub))


Key = tuple[str | None, tuple[tuple[Path, int, int], ...], tuple[tuple[str, str | int | None], ...], tuple, str]


def _key(folder: str | None, how: Format, kind: str, hub: Hub) -> Key:
    """The key of the cache, which changes with the files."""
    paths = () if _on_hub(folder) else data_files(folder)
    state = tuple((path, now.st_mtime_ns, now.st_size) for path, now in ((path, path.stat()) for path in paths))
    choices = tuple(getattr(how, one.name) for one in fields(how)[1:])
    return folder, state, tuple(sorted(hub.items())), (tuple(sorted(how.fields.items())), *choices), kind


def read_folder(folder: str | None, hub: Hub) -> Sequence[Contents]:
    """Returns the records of each file of a folder, those with questions first, or of each split of a hub data set.

    Raises:
        UserError: no folder is given, it does not exist or holds no file of a known format; the hub cannot be read.
    """
    if _on_hub(folder):
        return read_hub(str(folder).removeprefix(HUB), tuple(sorted(hub.items())))
    return [read_contents(path) for path in data_files(folder)]


def _on_hub(folder: str | None) -> bool:
    return folder is not None and folder.startswith(HUB)


def data_files(folder: str | None) -> list[Path]:
    """Returns the data files of a folder, those with questions first.

    Raises:
        UserError: no folder is given, it does not exist, or it holds no file of a known format.
    """
    if folder is None:
        raise UserError("benchmark=local needs a folder with your files: data_dir=FOLDER (one .jsonl per strategy)")
    root = Path(folder)
    if not root.exists():
        raise UserError(f"data_dir={folder}: no such folder; it should hold one .jsonl file per strategy")
    found = (
        [root]
        if root.is_file()
        else [path for path in root.iterdir() if path.suffix.lower() in READERS and not path.is_dir()]
    )
    refuse_problems(
        [
            Problem(
                path.name,
                f"it is a link to {out}, outside of the folder; copy the file, or give the folder that it lies in",
            )
            for path in found
            if path != root and path.is_symlink() and (out := leads_out(path, root))
        ]
    )
    if not found:
        there = "; ".join(unread_files(folder)) or "nothing"
        raise UserError(f"data_dir={folder} has no data file ({', '.join(READERS)}); it has {there}")
    return sorted(found, key=lambda path: (split_of(path) is None, path.name))


@lru_cache(maxsize=8)
def _load(*key: Any) -> Task:
    folder, state, *_ = key
    gathering = _gathered(*key)
    if state and (others := unread_files(str(folder))):
        log.info("%s: passed over: %s", folder, "; ".join(others))
    for tally in gathering.tallies:
        for said in tally.said():
            log.warning("%s: %s", tally.path.name, said)
    if gone := gathering.without_gold:
        left = "left out (benchmark.questions.empties=drop)"
        log.warning("%s: %d questions without a gold answer %s: %s", folder, len(gone), left, first_ids(gone, 10))
    unknown = any(problem.field in ("question", "response") and not problem.way for problem in gathering.problems)
    refuse_problems(gathering.problems, ADVICE if unknown else "")
    responses = {name: gathering.responses[name] for name in sorted(gathering.responses)}
    return Task(_by_split(gathering), responses, _of_split(gathering, "train"))


@lru_cache(maxsize=8)
def _gathered(folder: str | None, _state: tuple, hub: tuple, settings: tuple, kind: str) -> Gathering:
    mapped = dict(settings[0])
    gathering, everything = Gathering(Format(mapped, *settings[1:]), kind), read_folder(folder, dict(hub))
    for one in everything:
        if holds_key(one.path.stem):
            gathering.problems.append(Problem(one.path.name, "its name holds what looks like a key"))
        if split_of(one.path) is None and not NAME.fullmatch(one.path.stem):
            what = "its name becomes a strategy's: use letters a-z, digits and _ - . + = @ (120 at most), no space"
            gathering.problems.append(Problem(one.path.name, what))
        if sum(other.path.stem == one.path.stem for other in everything) > 1:
            gathering.problems.append(Problem(one.path.name, f"several files are named {one.path.stem}"))
        gathering.file(one)
    gathering.finish()
    for theirs in mapped.values():
        if gathering.fields and theirs not in gathering.fields:
            gathering.problems.append(Problem("benchmark.questions.fields", f"no record has a field `{theirs}`"))
    return gathering


UNPACK, AS_CSV = "unpack it first", "save it as CSV UTF-8 first"
HINTS = {
    **dict.fromkeys((".gz", ".zip", ".zst", ".bz2", ".xz", ".7z", ".tar", ".tgz"), UNPACK),
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods", ".numbers"), AS_CSV),
}
"""What to do with a file that is not read."""


def unread_files(folder: str) -> list[str]:
    """Returns the files of a folder that are not read, each with what to do about it where that is known."""
    root = Path(folder)
    found = [path for path in sorted(root.iterdir()) if not path.name.startswith(".")] if root.is_dir() else []
    hints = {
        path.name: "a folder; data_dir takes one" if path.is_dir() else HINTS.get(path.suffix.lower(), "")
        for path in found
        if path.is_dir() or path.suffix.lower() not in READERS
    }
    return [f"{name} ({hint})" if hint else name for name, hint in hints.items()]


def _of_split(gathering: Gathering, split: str) -> tuple[Question, ...]:
    return tuple(one.question for one in gathering.asked.values() if one.split == split)


def _by_split(gathering: Gathering) -> dict[str, tuple[Question, ...]]:
    found: dict[str, tuple[Question, ...]] = {split: _of_split(gathering, split) for split in SPLITS}
    shared, gone = gathering.shared()
    if gone:
        counts = ", ".join(f"{name} {len(one)}" for name, one in sorted(gathering.responses.items()))
        said = f"{len(shared)} of {len(found['train'])} training questions have a response of every strategy ({counts})"
        log.warning("%s; left out: %s", said, first_ids(gone, 10))
    return found | {"train": tuple(shared)}
