"""Responses written by teachers: asked for once, kept, counted, and paid for within a budget."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from sppl.artifacts.provenance import fingerprint, write_json
from sppl.data.contents import read_contents
from sppl.data.formats import BadField, Format, read_entry
from sppl.data.problems import Problem, refuse_problems
from sppl.schemas import Estimate, Message, Question, Strategy, UserError
from sppl.strategies.messages import WorkedExample, write_messages
from sppl.strategies.recipe import Recipe
from sppl.teachers.asking import TeacherRequest, ask_all, describe_limit
from sppl.teachers.batch import BatchTeacher
from sppl.teachers.batching import ask_in_batches
from sppl.teachers.bill import IN_BATCH
from sppl.teachers.budget import Budget
from sppl.teachers.teacher import Decoding, Refused, Teacher, cost
from sppl.teachers.teacher_records import TeacherRecords

CHARACTERS_PER_TOKEN = 3.5
"""For estimates only: a little below English text, so that they err on the expensive side."""


@dataclass(frozen=True)
class TeacherResponses:
    """A source of responses in which each recipe's teacher answers the questions.

    Args:
        teachers: by the name recipes use.
        journal: a folder with a file per strategy and teacher; every finished answer is a line of it.
        sees: what teachers are told beyond the question: `question` nothing, `answer` the gold one, `solution`.
        examples: files of worked examples by the name of the set, each with questions and responses.
        budget: the limit of spending, and the bills.
    """

    teachers: Mapping[str, Teacher]
    journal: str
    sees: Literal["question", "answer", "solution"] = "answer"
    examples: Mapping[str, str | None] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget, compare=False, metadata={"identity": False})
    label: ClassVar[str] = "teacher"
    paid: ClassVar[bool] = True
    by_id: ClassVar[bool] = False

    def identity(self, strategy: Strategy) -> Mapping[str, Any]:
        """Returns what the responses of a recipe depend on: its teacher, and what the teacher is shown."""
        recipe = _recipe(strategy)
        shown = [[one.question, one.response] for one in self._shown(recipe)]
        return {"teacher": self._teacher(recipe).identity, "sees": self.sees, "examples": shown}

    def within(self, budget: Budget) -> "TeacherResponses":
        """Returns the same source with another budget."""
        return replace(self, budget=budget)

    def estimate(self, strategy: Strategy, questions: list[Question]) -> Estimate:
        """Estimates what asking would take, without answers on disk and without second tries."""
        recipe = _recipe(strategy)
        teacher, bill = self._teacher(recipe), self.budget.bill(self._teacher(recipe))
        kept, requests = self._kept(recipe), self._requests(recipe, questions, 0).values()
        known = kept.answers.read()
        unknown = {request.key: request for request in requests if request.key not in known and request.limits}
        handed_in = {one.request.key for batch in kept.batches.open(unknown) for one in batch.requests}
        todo = [request for key, request in unknown.items() if key not in handed_in]
        read_ = int(sum(len(one["content"]) for request in todo for one in request.messages) / CHARACTERS_PER_TOKEN)
        written = sum(min(recipe.expected_tokens, one.limits[-1]) for one in todo)
        batch, price = _in_batches(teacher), cost(teacher.prices, read_, written)
        most = sum(bill.dollars(bill.most(one.messages, limit), batch=batch) for one in todo for limit in one.limits)
        price = price * IN_BATCH if price and batch else price
        return Estimate(teacher.name, len(todo), read_, written, price, most, len(unknown) - len(todo))

    def begin(self, strategy: Strategy, questions: list[Question]) -> None:
        """Creates the batches of a teacher that is asked in batches, within the budget, without waiting."""
        recipe = _recipe(strategy)
        if _in_batches(self._teacher(recipe)):
            self._ask(recipe, questions, 0, wait=False)

    def respond(self, strategy: Strategy, questions: list[Question]) -> list[str]:
        """Returns one response per question; only those that are not on disk are asked for.

        Raises:
            UserError: some stayed unanswered (every one with its reason), or the teacher cannot be asked at all.
            LimitReached: the budget does not allow the next request; what was answered is kept.
        """
        recipe = _recipe(strategy)
        found, failed = self._ask(recipe, questions, 0)
        said = self._kept(recipe).failed
        said.unlink(missing_ok=True)
        if failed:
            said.parent.mkdir(parents=True, exist_ok=True)
            write_json(said, failed)
            shown = "; ".join(f"{key}: {why}" for key, why in list(failed.items())[:20])
            raise UserError(
                f"{recipe.name}: {len(failed)} of {len(questions)} questions have no response (all in {said}): "
                f"{shown}. "
                f"The other {len(questions) - len(failed)} are kept; the same command asks for the missing ones only. "
                "To go on without a question for all strategies: 'benchmark.without=[ID]'"
            )
        return [found[question.id] for question in questions]

    def respond_again(self, strategy: Strategy, questions: list[Question], attempt: int) -> Mapping[str, str]:
        """Returns the answers of a further attempt by question id, without those that failed.

        A greedy teacher would give the same answer again, so it is not asked.
        """
        recipe = _recipe(strategy)
        if self._teacher(recipe).greedy(_decoding(recipe, attempt)):
            return {}
        return self._ask(recipe, questions, attempt)[0]

    def _ask(
        self, recipe: Recipe, questions: list[Question], attempt: int, *, wait: bool = True
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Answers, and reasons for missing ones, both by question id."""
        teacher, kept, requests = self._teacher(recipe), self._kept(recipe), self._requests(recipe, questions, attempt)
        known = kept.answers.read()
        todo = {request.key: request for request in requests.values() if request.key not in known}
        failed = {key: _cut_before(teacher, recipe) for key, request in todo.items() if not request.limits}
        try:
            asked = [request for request in todo.values() if request.limits]
            if asked and isinstance(teacher, BatchTeacher) and (_in_batches(teacher) or kept.batches.open(todo)):
                failed |= ask_in_batches(
                    teacher, asked, kept.arrived, kept.missed, self.budget,
                    journal=kept.batches, recorded=kept.of_batch, wait=wait,
                )  # fmt: skip
                known = kept.answers.read()
            if not _in_batches(teacher):
                asked = [one for key, one in todo.items() if key not in known and key not in failed]
                failed |= ask_all(teacher, asked, kept.arrived, kept.missed, self.budget)
        except Refused as error:
            have = len(kept.answers.read().keys() & {request.key for request in requests.values()})
            raise UserError(
                f"teacher {teacher.name} refuses every request: {error}. {recipe.name} has {have} of {len(requests)} "
                "answers, which are kept; the same command goes on from there"
            ) from None
        known = kept.answers.read()
        found = {name: known[request.key]["text"] for name, request in requests.items() if request.key in known}
        return found, {name: failed[request.key] for name, request in requests.items() if request.key in failed}

    def usage(self, strategy: Strategy, questions: list[Question]) -> Mapping[str, Any]:
        """Returns what the answers to these questions took, all attempts and failed tries together."""
        recipe = _recipe(strategy)
        keys = {request.key for at in range(recipe.tries) for request in self._requests(recipe, questions, at).values()}
        return self._kept(recipe).usage(self._teacher(recipe), keys)

    def _requests(self, recipe: Recipe, questions: Iterable[Question], attempt: int) -> dict[str, TeacherRequest]:
        """The requests by question id.

        An answer that was cut off at a limit, in an earlier command too, is asked for with the next larger one only;
        where there is none and the teacher is greedy, it is not asked for.
        """
        shown, teacher = self._shown(recipe), self._teacher(recipe)
        decoding, ceiling = _decoding(recipe, attempt), teacher.max_tokens_ceiling or 0
        limits = [recipe.max_tokens, *([ceiling] if ceiling > recipe.max_tokens else [])]
        cut = self._kept(recipe).cut()
        last = [] if teacher.greedy(decoding) else limits[-1:]
        found = {}
        for question in questions:
            content = write_messages(recipe, question, self.sees, shown)
            key = _key(teacher, content, decoding, question.id)
            left = [limit for limit in limits if (key, limit) not in cut]
            found[question.id] = TeacherRequest(key, content, decoding, left or last, question.id)
        return found

    def _kept(self, recipe: Recipe) -> TeacherRecords:
        return TeacherRecords(Path(self.journal, f"{recipe.name}-{fingerprint(self._teacher(recipe).identity)}.jsonl"))

    def _teacher(self, recipe: Recipe) -> Teacher:
        if recipe.teacher not in self.teachers:
            there = ", ".join(self.teachers) or "none"
            asked = f"teacher {recipe.teacher!r}" if recipe.teacher else "no teacher"
            raise UserError(
                f"{recipe.name} names {asked}; there are {there}. Choose one: strategy.{recipe.name}.teacher=NAME, or "
                f"add a file to conf/teacher and say 'teacher=[...,NAME]'"
            )
        return self.teachers[recipe.teacher]

    def _shown(self, recipe: Recipe) -> list[WorkedExample]:
        path = self.examples.get(recipe.examples) if recipe.examples else None
        if not path:
            return []
        contents = read_contents(Path(path))
        problems, found = list(contents.problems), []
        for line, record in contents.rows:
            try:
                one = read_entry(record, Format(), answer_is_gold=False)
            except BadField as bad:
                problems.append(Problem(path, bad.why, line, field=bad.name))
                continue
            if not one.question or not one.response:
                problems.append(Problem(path, "a worked example needs a question and a response", line))
            found.append(WorkedExample(one.question, one.response))
        refuse_problems(problems)
        return found


def _recipe(strategy: Strategy) -> Recipe:
    assert isinstance(strategy, Recipe)
    return strategy


def _decoding(recipe: Recipe, attempt: int) -> Decoding:
    return Decoding(recipe.temperature, recipe.max_tokens, attempt)


def _cut_before(teacher: Teacher, recipe: Recipe) -> str:
    limit = max(recipe.max_tokens, teacher.max_tokens_ceiling or 0)
    return f"cut off after {limit} tokens in an earlier run; {describe_limit(teacher, limit)}"


def _in_batches(teacher: Teacher) -> bool:
    return isinstance(teacher, BatchTeacher) and teacher.mode == "batch"


def _key(teacher: Teacher, content: list[Message], decoding: Decoding, question_id: str) -> str:
    sampled = [decoding.temperature, decoding.max_tokens, decoding.seed]
    return fingerprint([teacher.identity, content, sampled]) + "-" + fingerprint(question_id)
