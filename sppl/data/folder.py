"""What a folder of a user's own files says, checked as a whole: every question, every response, every problem."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sppl.data.formats import KNOWN, Format, History, Several, System
from sppl.data.gathering import NAME, SPLITS, Gathering, split_of
from sppl.data.hub import contents
from sppl.data.problems import Problem, names, refuse
from sppl.data.reading import READERS, Contents, read
from sppl.keys import holds_key
from sppl.names import leads_out
from sppl.schemas import Question, UserError

log = logging.getLogger(__name__)

HUB = "hub:"
"""What stands before a hub id in the place of a folder."""
Hub = Mapping[str, str | int | None]
"""`subset`, `revision`, `rows`, and the splits for `train`, `validation` and `test`; unused for a folder."""
ADVICE = (
    f"Formats read as they are: {KNOWN}. Other field names are mapped, e.g. "
    "'benchmark.questions.fields={question: task, response: reply, gold: label}'"
)


@dataclass(frozen=True)
class Task:
    """What a folder holds: questions by split, and responses by strategy and question id."""

    questions: Mapping[str, tuple[Question, ...]]
    responses: Mapping[str, Mapping[str, str]]
    training: tuple[Question, ...] = ()
    """Every training question, those too that only some of the strategies answer."""


def load(folder: str | None, how: Format, kind: str, hub: Hub) -> Task:
    """Everything a folder (or one file, or a hub data set, with a `strategy` field) says.

    Raises:
        UserError: anything is wrong with any file; every problem in one report.
    """
    paths = () if _on_hub(folder) else files(folder)
    state = tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
    settings = (tuple(sorted(how.fields.items())), how.system, how.history, how.turns)
    return _load(folder, state, tuple(sorted(hub.items())), settings, kind)


def contents_of(folder: str | None, hub: Hub) -> Sequence[Contents]:
    """What each file of a folder holds, those with questions first; or each split of a hub data set.

    Raises:
        UserError: no folder is given, it does not exist or holds no file of a known format; the hub cannot be read.
    """
    if _on_hub(folder):
        return contents(str(folder).removeprefix(HUB), tuple(sorted(hub.items())))
    return [read(path) for path in files(folder)]


def _on_hub(folder: str | None) -> bool:
    return folder is not None and folder.startswith(HUB)


def files(folder: str | None) -> list[Path]:
    """The data files of a folder, those with questions first.

    Raises:
        UserError: no folder is given, it does not exist, or it holds no file of a known format.
    """
    if folder is None:
        raise UserError("benchmark=local needs a folder with your files: data_dir=FOLDER (one .jsonl per strategy)")
    root = Path(folder)
    if not root.exists():
        raise UserError(f"data_dir={folder}: no such folder; it should hold one .jsonl file per strategy")
    found = [root] if root.is_file() else [path for path in root.iterdir() if path.suffix.lower() in READERS]
    refuse(
        [
            Problem(
                path.name,
                f"it is a link to {out}, outside of the folder; copy the file, or give the folder that it lies in",
            )
            for path in found
            if path != root and (out := leads_out(path, root))
        ]
    )
    if not found:
        raise UserError(f"data_dir={folder} has no data file ({', '.join(READERS)}); it has {names(root.iterdir())}")
    return sorted(found, key=lambda path: (split_of(path) is None, path.name))


@lru_cache(maxsize=8)
def _load(
    folder: str | None,
    state: tuple[tuple[Path, int, int], ...],  # changed files are another entry of the cache
    hub: tuple[tuple[str, str | int | None], ...],
    settings: tuple[tuple[tuple[str, str], ...], System, History, Several],
    kind: str,
) -> Task:
    pairs, system, history, turns = settings
    gathering, everything = Gathering(Format(dict(pairs), system, history, turns), kind), contents_of(folder, dict(hub))
    _tell_passed_over(folder, [path for path, *_ in state])
    for one in everything:
        if holds_key(one.path.stem):
            gathering.problems.append(Problem(one.path.name, "its name holds what looks like a key"))
        if split_of(one.path) is None and not NAME.fullmatch(one.path.stem):
            what = "its name becomes a strategy's: use letters a-z, digits and _ - . + = @ (120 at most), no space"
            gathering.problems.append(Problem(one.path.name, what))
        if sum(other.path.stem == one.path.stem for other in everything) > 1:
            gathering.problems.append(Problem(one.path.name, f"several files are named {one.path.stem}"))
        gathering.file(one)
    for theirs in dict(pairs).values():
        if gathering.fields and theirs not in gathering.fields:
            gathering.problems.append(Problem("benchmark.questions.fields", f"no record has a field `{theirs}`"))
    refuse(gathering.problems, ADVICE)
    responses = {name: gathering.responses[name] for name in sorted(gathering.responses)}
    return Task(_by_split(gathering), responses, _of_split(gathering, "train"))


def _tell_passed_over(folder: str | None, read_: Sequence[Path]) -> None:
    """Says which files lie in the folder and are none of a format that is read."""
    root = Path(folder or "")
    others = [path for path in root.iterdir() if path not in read_] if read_ and root.is_dir() else []
    if others := [path for path in others if not path.name.startswith(".")]:
        log.info("%s: passed over: %s", folder, names(others))


def _of_split(gathering: Gathering, split: str) -> tuple[Question, ...]:
    return tuple(one.question for one in gathering.asked.values() if one.split == split)


def _by_split(gathering: Gathering) -> dict[str, tuple[Question, ...]]:
    found: dict[str, tuple[Question, ...]] = {split: _of_split(gathering, split) for split in SPLITS}
    sets = gathering.responses.values()
    shared = tuple(question for question in found["train"] if all(question.id in one for one in sets))
    if len(shared) < len(found["train"]):
        counts = ", ".join(f"{name} {len(one)}" for name, one in sorted(gathering.responses.items()))
        kept = {question.id for question in shared}
        gone = [question.id for question in found["train"] if question.id not in kept]
        log.warning(
            "%d of %d training questions have a response of every strategy (%s); left out: %s",
            len(shared), len(found["train"]), counts, ", ".join(gone[:10]) + (" ..." if len(gone) > 10 else ""),
        )  # fmt: skip
    return found | {"train": shared}
