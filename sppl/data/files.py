"""Questions and responses from a user's own files: one file per strategy, with or without a file of questions."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

from sppl.artifacts.provenance import fingerprint
from sppl.commands import CHOOSE_FILES
from sppl.data.contents import Contents
from sppl.data.folder import Hub, Task, gather_folder, load_folder, read_folder, unread_files
from sppl.data.formats import Choice, Format, Several, System
from sppl.data.gathering import SPLITS, split_of
from sppl.data.gold import ANSWERS
from sppl.data.problems import BadData, file_names
from sppl.data.values import NotText, text_of
from sppl.schemas import Question, Split, Strategy, UserError
from sppl.strategies.recipe import Chooser, Recipe

HELD_OUT_BY: dict[Split, str] = {"test": "held_out", "validation": "held_out_validation"}
"""Splits for which training questions can be held out, in this order, and the setting that says how many."""


class NoQuestions(BadData):
    """A split of a user's files is empty."""


def count_held_out(n: int, share: float) -> int:
    """Returns how many of `n` training questions are held out: at least one and not all; none for a share of 0."""
    return min(max(1, round(n * share)), n - 1) if share and n > 1 else 0


@dataclass(frozen=True)
class LocalQuestions:
    """The questions of a folder: its `questions` file, or all that its strategies answer.

    Training questions are those that every strategy answers; a field `split`, or files named `validation` and `test`,
    give the other splits.

    Args:
        folder: a folder of .jsonl, .json, .csv or .parquet files, or one file with a field `strategy`.
        answer: what an answer is, to check the gold ones: `number`, `choice` or `text`; `none`: none is read.
        fields: our names (question, response, gold, id, solution, split, strategy, options) to the files'.
        hub: which subset, splits and rows, where `folder` is `hub:ORG/NAME`.
        system: what becomes of a system turn, for which a question, one text, has no place: `refuse`, `drop`, or
            `prepend` to put it before the question.
        history: what becomes of turns before the question: `refuse` or `drop`.
        turns: what of a conversation is the response: `last`, `all`, or `refuse` conversations; see `Format`.
        duplicates: what becomes of records that say the same twice: `drop` or `refuse`.
        empties: what becomes of single records without question, response or gold answer: `refuse` or `drop`.
        missing: what becomes of questions that not every strategy answers: `drop` or `refuse`.
        held_out: share of the training questions, the last ones, that are the test questions where no file gives any.
        held_out_validation: share of those before them that are the validation questions where no file gives any.

    Raises:
        UserError: one of the last two is no share.
    """

    folder: str | None
    answer: str = "text"
    fields: Mapping[str, str] = field(default_factory=dict)
    hub: Hub = field(default_factory=dict)
    system: System = "refuse"
    history: Choice = "refuse"
    turns: Several = "refuse"
    duplicates: Choice = "drop"
    empties: Choice = "refuse"
    missing: Choice = "drop"
    held_out: float = 0.0
    held_out_validation: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", self.fields or {})  # null in a configuration file
        if self.answer not in ANSWERS:
            raise UserError(f"benchmark.answer={self.answer}: say what an answer is, one of {', '.join(ANSWERS)}")
        for name in HELD_OUT_BY.values():
            if not 0 <= (share := getattr(self, name)) < 1:
                raise UserError(f"benchmark.questions.{name}={share}: it is a share of the questions, 0 to 1")

    def questions(self, split: Split, n: int | None = None) -> list[Question]:
        """Returns the first `n` questions of a split, in the files' order.

        Raises:
            UserError: anything is wrong with any file.
            NoQuestions: the split is empty.
        """
        found = self._by_split(load_folder(self.folder, format_of(self), self.answer, self.hub))[split]
        if not found and split != "train":
            raise NoQuestions(
                f"data_dir={self.folder} has no {split} questions: put them into {split}.jsonl beside the others, or "
                f"hold some of the training questions out: benchmark.questions.{HELD_OUT_BY[split]}=0.2"
            )
        if not found:
            raise NoQuestions(
                f"data_dir={self.folder}: no question is answered by every strategy, none can be compared"
            )
        return list(found[:n])

    def answered_by(self, strategy: Strategy) -> list[Question]:
        """Returns all training questions that the strategy answers, without those that are held out."""
        known = load_folder(self.folder, format_of(self), self.answer, self.hub)
        mine = next(
            (known.responses[name] for name in (strategy.name, *strategy.aliases) if name in known.responses), {}
        )
        parts = self._by_split(known)
        apart = {question.id for split in HELD_OUT_BY for question in parts[split]}
        return [one for one in known.training if one.id in mine and one.id not in apart]

    def _by_split(self, known: Task) -> dict[Split, tuple[Question, ...]]:
        """The questions of each split, once some are held out."""
        found: dict[Split, tuple[Question, ...]] = {split: known.questions[split] for split in SPLITS}
        for split, name in HELD_OUT_BY.items():
            train = found["train"]
            if last := 0 if found[split] else count_held_out(len(train), getattr(self, name)):
                found |= {split: train[-last:], "train": train[:-last]}
        return found


@dataclass(frozen=True)
class LocalResponses:
    """The responses of a folder's files; the arguments are those of `LocalQuestions`."""

    folder: str | None
    answer: str = "text"
    fields: Mapping[str, str] = field(default_factory=dict)
    hub: Hub = field(default_factory=dict)
    system: System = "refuse"
    history: Choice = "refuse"
    turns: Several = "refuse"
    duplicates: Choice = "drop"
    empties: Choice = "refuse"
    missing: Choice = "drop"
    label: ClassVar[str] = "files"
    paid: ClassVar[bool] = False
    by_id: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", self.fields or {})  # null in a configuration file

    def identity(self, strategy: Strategy) -> Mapping[str, str]:
        """Returns a digest of a strategy's responses, which depend on nothing else."""
        return {"source": "files", "responses": fingerprint(self._of(strategy))}

    def respond(self, strategy: Strategy, questions: list[Question]) -> list[str]:
        """Returns the file's response to each question.

        Raises:
            UserError: no file of this strategy, or questions without a response in it.
        """
        found = self._of(strategy)
        missing = [question.id for question in questions if question.id not in found]
        if missing:
            raise UserError(f"{strategy.name} has no response to {len(missing)} questions: {', '.join(missing[:10])}")
        return [found[question.id] for question in questions]

    def _of(self, strategy: Strategy) -> Mapping[str, str]:
        there = load_folder(self.folder, format_of(self), self.answer, self.hub).responses
        for name in (strategy.name, *strategy.aliases):
            if name in there:
                return there[name]
        raise UserError(
            f"data_dir={self.folder} has no file of {strategy.name}; it has {', '.join(there) or 'none'}: "
            f"{CHOOSE_FILES}"
        )


def format_of(source: LocalQuestions | LocalResponses) -> Format:
    """Returns how the records of a source are read."""
    choices = (source.system, source.history, source.turns, source.duplicates, source.empties, source.missing)
    return Format(source.fields, *choices)


def decisions(source: object) -> list[tuple[str, str]]:
    """Returns what was left out, changed or not read of a user's files (file, sentence); empty for other sources."""
    if not isinstance(source, LocalQuestions):
        return []
    found = gather_folder(source.folder, format_of(source), source.answer, source.hub)
    kept, gone = found.shared()
    told = [(one.path.name, said) for one in found.tallies for said in one.said()]
    if gone:
        every = f"{len(kept)} of {len(kept) + len(gone)} training questions have a response of every strategy"
        told.append(("all", f"{every}; {len(gone)} left out (benchmark.questions.missing={source.missing})"))
    if found.without_gold:
        left = "questions without a gold answer left out (benchmark.questions.empties=drop)"
        told.append(("all", f"{len(found.without_gold)} {left}"))
    return told + [(name, "not read") for name in unread_files(str(source.folder))]


def strategies_in(
    *,
    folder: str | None,
    only: Sequence[str] | None = None,
    derived: Sequence[str] = (),
    best: Chooser | None = None,
    fields: Mapping[str, str] | None = None,
    hub: Hub | None = None,
) -> dict[str, Recipe]:
    """Returns one strategy per name in the folder's files (or in `only`), and the strategies derived from all of them.

    Args:
        derived: `mixture`, `best_response` or both.
        best: chooses for `best_response`.

    Raises:
        UserError: a name of `only` or `derived` is not there, or two names are one on some file systems.
    """
    column = (fields or {}).get("strategy", "strategy")
    everything = read_folder(folder, hub or {})
    names_ = sorted({name for one in everything if split_of(one.path) is None for name in _named(one, column)})
    if not names_:
        raise UserError(
            f"data_dir={folder} has no file of a strategy; it has {file_names(one.path for one in everything)}"
        )
    in_order = pairwise(sorted(names_, key=str.casefold))
    if alike := [both for both in in_order if both[0].casefold() == both[1].casefold()]:
        raise UserError(
            f"{folder} has strategies whose names differ only in capitals, which some file systems do not tell apart: "
            f"{'; '.join(map(', '.join, alike))}. Rename one of them"
        )
    found = {name: Recipe(name, f"read from {folder}") for name in names_}
    known = {
        "mixture": Recipe("mixture", "one response per question, drawn from all files", of=found),
        "best_response": Recipe("best_response", "per question the file's the target finds best", of=found, best=best),
    }
    if unknown := [name for name in derived if name not in known or name in found]:
        raise UserError(f"strategy.derived: {', '.join(unknown)} cannot be derived; there are {', '.join(known)}")
    there = found | {name: known[name] for name in derived}
    if unknown := [name for name in only or () if name not in there]:
        raise UserError(f"strategy.only: {', '.join(unknown)} not found; {folder} has {', '.join(there)}")
    return {name: there[name] for name in only or there}


def _named(contents: Contents, column: str) -> set[str]:
    """The strategies of a file; one without a readable record counts by its name: `load_folder` says what is wrong."""
    found: set[str] = set()
    for _, record in contents.rows:
        with suppress(NotText):
            found.add(text_of(record.get(column)) or contents.path.stem)
    return found or {contents.path.stem}
