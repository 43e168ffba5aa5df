"""Questions and responses from a checkout of the repository of arXiv 2502.11779: one folder of JSON arrays per task."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal

from sppl.data.problems import Problem, names, refuse
from sppl.data.reading import read
from sppl.data.wording import MissingField, Wording
from sppl.provenance import content_digest
from sppl.schemas import Question, Split, Strategy, UserError

log = logging.getLogger(__name__)

HOW = "get a checkout of github.com/XuanRen4470/SPPL and say data_dir=FOLDER"
RAW = re.compile(r"(train|test|validation|groundtruth)(_filtered)?$")
"""Stems that are no strategy: the data set itself in its own fields."""


def strategy_files(root: str | None, task: str) -> dict[str, Path]:
    """Strategy name, as the files spell it, to file; the sets merged of several strategies are left out.

    Raises:
        UserError: there is no such folder; the message names the folders that are there.
    """
    paths = [*_folder(root, task).glob("*.json"), *_folder(root, task).glob("varient/*.json")]
    return {_spelling(path): path for path in sorted(paths) if not RAW.match(path.stem) and "combine" not in path.stem}


def _folder(root: str | None, task: str) -> Path:
    if root is None:
        raise UserError(f"benchmark.source=upstream needs the authors' repository: {HOW}")
    folder = Path(root, "dataset", task)
    if not folder.is_dir():
        found = names(folder.parent.iterdir()) if folder.parent.is_dir() else "no folder `dataset`"
        raise UserError(f"{folder} is not there; {root} has {found}; {HOW}")
    return folder


def _spelling(path: Path) -> str:
    return re.sub(r"_\d+$", "", path.stem).removeprefix("gpt4_generated_")


@dataclass(frozen=True)
class UpstreamQuestions:
    """The questions of one task: training ones from the strategy files, the others from the task's own files.

    Args:
        root: the checkout.
        task: the folder's name below `dataset`.
        wording: how a record becomes a question.
        test: the file with the test questions.
        validation: the file with the validation questions, where the task has one.
        solutions: the file whose `answer` holds the data set's own solutions to the training questions, or empty.
        splits: `disjoint` drops from test what is asked in training, and from validation what is asked in either;
            `paper` keeps the authors' overlap, and takes the first 300 test questions for a missing validation file.
    """

    root: str | None
    task: str
    wording: Wording
    test: str = "test.json"
    validation: str = "validation.json"
    solutions: str = ""
    splits: Literal["disjoint", "paper"] = "disjoint"

    def questions(self, split: Split, n: int | None = None) -> list[Question]:
        """The first `n` questions of a split in the files' order.

        Raises:
            UserError: a file is missing or a record cannot be read; all problems in one report.
        """
        if split == "train":
            return self._train()[:n]
        found = self._from(self.test if split == "test" else self.validation)
        if self.splits == "paper":
            return (found if found is not None else self._from(self.test) or [])[: n if found is not None else 300][:n]
        taken = self._train() if split == "test" else [*self._train(), *(self._from(self.test) or [])]
        asked = {question.id for question in taken}
        kept = [question for question in found or [] if question.id not in asked]
        if found and len(kept) < len(found):
            log.warning(
                "%s: %d %s questions are asked elsewhere too: left out", self.task, len(found) - len(kept), split
            )
        if not kept:
            raise UserError(
                f"{self.task} has no {split} questions of its own ({self._why(split, found)}); "
                f"it has {self._listing()}; the authors' overlapping ones: benchmark.splits=paper"
            )
        return kept[:n]

    def _why(self, split: Split, found: list[Question] | None) -> str:
        name = self.test if split == "test" else self.validation
        return f"no {name}" if found is None else f"all {len(found)} of {name} are asked elsewhere too"

    def _train(self) -> list[Question]:
        files = strategy_files(self.root, self.task)
        if not files:
            raise UserError(f"{_folder(self.root, self.task)} has no strategy file; it has {self._listing()}")
        sets = {name: _read(path, self.wording) for name, path in files.items()}
        first = sets[next(iter(sets))]
        shared = [key for key in first if all(key in one for one in sets.values())]
        everything = {key for one in sets.values() for key in one}
        if len(shared) < len(everything):
            short = ", ".join(f"{name} {len(one)}" for name, one in sets.items())
            log.warning("%s: %d questions answered by every strategy (%s)", self.task, len(shared), short)
        solutions = self._solutions()
        told = {key: one.solution for known in sets.values() for key, one in known.items() if one.solution}
        return [_solved(first[key], solutions.get(key) or told.get(key, "")) for key in shared]

    def _solutions(self) -> dict[str, str]:
        path = _folder(self.root, self.task) / self.solutions
        if not self.solutions or not path.is_file():
            return {}
        plain = replace(self.wording, answer="answer", answer_from="value", solution="answer")
        return {key: question.solution for key, question in _read(path, plain).items()}

    def _from(self, name: str) -> list[Question] | None:
        path = _folder(self.root, self.task) / name
        return list(_read(path, self.wording).values()) if path.is_file() else None

    def _listing(self) -> str:
        folder = _folder(self.root, self.task)
        return names([*folder.glob("*.json"), *folder.glob("varient/*.json")])


@dataclass(frozen=True)
class UpstreamResponses:
    """The published answers of every strategy, joined to the questions by id."""

    root: str | None
    task: str
    wording: Wording = field(default_factory=Wording)
    label: ClassVar[str] = "files"
    paid: ClassVar[bool] = False

    def identity(self, strategy: Strategy) -> Mapping[str, str]:
        """What the answers of a strategy depend on: the content of its file."""
        return {"source": "upstream", "file": content_digest(self._file(strategy))}

    def respond(self, strategy: Strategy, questions: list[Question]) -> list[str]:
        """The published answer to each question.

        Raises:
            UserError: no file of this strategy, or it lacks a question or an answer.
        """
        path = self._file(strategy)
        answers = {
            question.id: question.solution
            for question in _read(path, replace(self.wording, solution="answer")).values()
        }
        missing = [Problem(path.name, f"no answer to question {q.id}") for q in questions if not answers.get(q.id)]
        refuse(missing)
        return [answers[question.id] for question in questions]

    def _file(self, strategy: Strategy) -> Path:
        files = strategy_files(self.root, self.task)
        wanted = (strategy.name, *strategy.aliases)
        for name in wanted:
            if name in files:
                return files[name]
        raise UserError(f"{self.task} has no file of {' or '.join(wanted)}; it has answers of {', '.join(files)}")


def _read(path: Path, wording: Wording) -> dict[str, Question]:
    """The questions of a file by id, in its order.

    Raises:
        UserError: what is wrong with the file, all in one report.
    """
    contents = read(path)
    problems, found = list(contents.problems), {}
    for line, record in contents.rows:
        try:
            question = wording.read(record)
        except MissingField as missing:
            problems.append(Problem(path.name, missing.why, line, field=missing.name))
            continue
        found.setdefault(question.id, question)
    refuse(problems)
    if len(found) < len(contents.rows):
        log.info("%s: %d records ask the same as another; the first counts", path.name, len(contents.rows) - len(found))
    return found


def _solved(question: Question, solution: str) -> Question:
    if question.solution or not solution:
        return question
    return Question(question.id, question.prompt, question.answer, solution, question.fields)
