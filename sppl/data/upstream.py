"""Reads questions and responses from a checkout of the repository of arXiv 2502.11779."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

from sppl.artifacts.provenance import content_digest
from sppl.data.checkout import TaskFolder
from sppl.data.problems import Problem, refuse_problems
from sppl.data.published import Published, read_published
from sppl.data.wording import Wording
from sppl.schemas import Question, Split, Strategy, UserError

log = logging.getLogger(__name__)

STRATEGIES = "benchmark.sources.upstream.questions.strategies"
LEAVE_OUT = f"a strategy's file counts no more with '~{STRATEGIES}.NAME'"


@dataclass(frozen=True)
class UpstreamQuestions:
    """The questions of one task: training ones from the strategies' files, the others from the task's own files.

    Args:
        root: the checkout.
        task: the folder's name below `dataset`.
        wording: how a record becomes a question.
        strategies: whose files count, each with the other names its file may have. Training questions are those that
            all of them answer; other files of the folder are passed over, and said so.
        test: the files that may hold the test questions; the first that is there does.
        validation: the same for the validation questions; none where the task has none.
        solutions: the same for the data set's own solutions to the training questions, in the wording's field for
            solutions, else in `answer`.
        splits: `disjoint` drops from test what is asked in training, and from validation what is asked in either;
            `paper` keeps the authors' overlap, and takes the first 300 test questions for a missing validation file.
    """

    root: str | None
    task: str
    wording: Wording
    strategies: Mapping[str, Sequence[str]]
    test: Sequence[str] = ("test.json",)
    validation: Sequence[str] = ("validation.json",)
    solutions: Sequence[str] = ()
    splits: Literal["disjoint", "paper"] = "disjoint"

    def questions(self, split: Split, n: int | None = None) -> list[Question]:
        """Returns the first `n` questions of a split in the files' order.

        Raises:
            UserError: a file is missing or a record cannot be read; all problems in one report.
        """
        if split == "train":
            return self._train()[:n]
        found = self._from(self.test if split == "test" else self.validation)
        if self.splits == "paper":
            return (found if found is not None else self._from(self.test) or [])[: n if found is not None else 300][:n]
        taken = self._train() if self._files() else []
        taken += (self._from(self.test) or []) if split == "validation" else []
        asked = {question.id for question in taken}
        kept = [question for question in found or [] if question.id not in asked]
        if found and len(kept) < len(found):
            _say(f"{self.task}: {len(found) - len(kept)} {split} questions are asked elsewhere too: left out")
        if not kept:
            raise UserError(
                f"{self.task} has no {split} questions of its own ({self._why(split, found)}); "
                f"it has {self._folder.others(())}; the authors' overlapping ones: benchmark.splits=paper"
            )
        return kept[:n]

    def answered(self) -> dict[str, int]:
        """Returns, per strategy with a file, how many questions it answers.

        Raises:
            UserError: no strategy has one, or one cannot be read.
        """
        return {name: len(one.answers) for name, one in self._sets().items()}

    @property
    def _folder(self) -> TaskFolder:
        return TaskFolder.at(self.root, self.task)

    def _files(self) -> dict[str, Path]:
        """The files of the strategies that have one."""
        folder = self._folder
        found = {name: folder.answers((name, *others)) for name, others in self.strategies.items()}
        return {name: path for name, path in found.items() if path}

    def _sets(self) -> dict[str, Published]:
        files = self._files()
        if not files:
            raise UserError(self._no_files())
        sets = {name: read_published(path, self.wording, answered=True) for name, path in files.items()}
        refuse_problems([problem for one in sets.values() for problem in one.problems], LEAVE_OUT)
        _tell(self.task, [note for one in sets.values() for note in one.notes])
        return sets

    def _train(self) -> list[Question]:
        sets = self._sets()
        everything: dict[str, Question] = {}
        for one in sets.values():
            for key, question in one.questions.items():
                if key not in everything or not everything[key].answer:
                    everything[key] = question
        shared = [question for key, question in everything.items() if all(key in one.answers for one in sets.values())]
        known = [question for question in shared if question.answer]
        self._report(sets, everything, shared, known)
        if not known:
            counts = ", ".join(f"{name} {len(one.answers)}" for name, one in sets.items())
            raise UserError(f"{self.task}: no question is answered by every strategy ({counts}); {LEAVE_OUT}")
        solutions = self._solutions()
        told = {key: one.solution for each in sets.values() for key, one in each.questions.items() if one.solution}
        return [_solved(question, solutions.get(question.id) or told.get(question.id, "")) for question in known]

    def _report(
        self, sets: Mapping[str, Published], everything: Mapping[str, Question], shared: list[Question], known: list
    ) -> None:
        """Logs which files were read and which were not, and why questions were left out."""
        files = self._files()
        counts = ", ".join(f"{name} {len(one.answers)}" for name, one in sets.items())
        lacking = ", ".join(name for name in self.strategies if name not in files) or "none"
        splits = [self._folder.first(names) for names in (self.test, self.validation, self.solutions)]
        others = self._folder.others([*files.values(), *(path for path in splits if path)])
        _say(
            f"{self._folder.path}: {len(known)} training questions, answered by {counts}; no file of {lacking}; "
            f"passed over: {others}",
            logging.INFO,
        )
        if len(shared) < len(everything):
            lost = len(everything) - len(shared)
            _say(f"{self.task}: {lost} questions are not answered by every strategy, left out ({counts}); {LEAVE_OUT}")
        if len(known) < len(shared):
            _say(f"{self.task}: {len(shared) - len(known)} training questions have no gold answer: left out")
        for name, one in sets.items():
            golds = [(key, question.answer) for key, question in one.questions.items() if question.answer]
            other = [key for key, gold in golds if gold != everything[key].answer]
            if other:
                shown = ", ".join(other[:5]) + ", ..." * (len(other) > 5)
                _say(f"{self.task}: {name} has another gold answer than the files before it, unused: {shown}")

    def _no_files(self) -> str:
        folder = self._folder
        inside = [path.name for path in sorted(folder.path.iterdir()) if path.is_dir()]
        elsewhere = [
            one
            for one in inside
            if any(TaskFolder(folder.path / one).answers((name, *more)) for name, more in self.strategies.items())
        ]
        advice = "".join(
            f"; its folder {one} has: benchmark.sources.upstream.questions.task={self.task}/{one}" for one in elsewhere
        )
        return (
            f"{folder.path} has no file of a strategy ({', '.join(self.strategies)}), so no training questions; "
            f"it has {folder.others(())}{advice}"
        )

    def _solutions(self) -> dict[str, str]:
        path = self._folder.first(self.solutions)
        if path is None:
            return {}
        found = read_published(path, replace(self.wording, solution=self.wording.solution or "answer"))
        _tell(self.task, [f"{one} (no solution)" for one in found.problems])
        return {key: question.solution for key, question in found.questions.items()}

    def _from(self, names: Sequence[str]) -> list[Question] | None:
        path = self._folder.first(names)
        if path is None:
            return None
        found = read_published(path, self.wording)
        refuse_problems(found.problems)
        known = [question for question in found.questions.values() if question.answer]
        lost = len(found.questions) - len(known)
        _tell(
            self.task, [*found.notes, *([f"{path.name}: {lost} records have no gold answer: left out"] if lost else [])]
        )
        return known

    def _why(self, split: Split, found: list[Question] | None) -> str:
        wanted = self.test if split == "test" else self.validation
        if found is None:
            return ", ".join(f"no {name}" for name in wanted) or "the authors have none"
        path = self._folder.first(wanted)
        if not found:
            return f"no record of {path.name if path else split} has a gold answer"
        return f"all {len(found)} of {path.name if path else split} are asked elsewhere too"


@dataclass(frozen=True)
class UpstreamResponses:
    """The published answers of every strategy, joined to the questions by id."""

    root: str | None
    task: str
    wording: Wording = field(default_factory=Wording)
    label: ClassVar[str] = "files"
    paid: ClassVar[bool] = False
    by_id: ClassVar[bool] = True

    def identity(self, strategy: Strategy) -> Mapping[str, str]:
        """Returns a digest of the strategy's file, on which its answers depend."""
        return {"source": "upstream", "file": content_digest(self._file(strategy))}

    def respond(self, strategy: Strategy, questions: list[Question]) -> list[str]:
        """Returns the published answer to each question.

        Raises:
            UserError: no file of this strategy, or it lacks a question or an answer.
        """
        path = self._file(strategy)
        found = read_published(path, self.wording, answered=True)
        refuse_problems(found.problems)
        missing = [Problem(path.name, f"no answer to question {q.id}") for q in questions if q.id not in found.answers]
        refuse_problems(missing, f"'+{STRATEGIES}.{strategy.name}=[]' leaves them out for all strategies")
        return [found.answers[question.id] for question in questions]

    def _file(self, strategy: Strategy) -> Path:
        folder, wanted = TaskFolder.at(self.root, self.task), (strategy.name, *strategy.aliases)
        path = folder.answers(wanted)
        if path is None:
            raise UserError(
                f"{self.task} has no file of {' or '.join(wanted)}; it has {folder.others(())}; take a strategy that "
                "has one, or let the teachers answer: benchmark.respond=teacher"
            )
        return path


def _solved(question: Question, solution: str) -> Question:
    return replace(question, solution=solution) if solution and not question.solution else question


def _tell(task: str, notes: Sequence[str]) -> None:
    for note in notes[:10]:
        _say(f"{task}: {note}")
    if len(notes) > 10:
        _say(f"{task}: and {len(notes) - 10} more such records")


@lru_cache(maxsize=1000)
def _say(message: str, level: int = logging.WARNING) -> None:
    """Logs a message once, as stages ask for the same questions repeatedly."""
    log.log(level, message)
