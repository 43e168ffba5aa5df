"""Responses that teachers write: asked for once, kept for good, counted and paid for knowingly."""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from sppl.data.formats import BadField, Format, entry
from sppl.data.problems import Problem, refuse
from sppl.data.reading import read
from sppl.provenance import fingerprint
from sppl.schemas import Estimate, Message, Question, Strategy, UserError
from sppl.strategies.messages import WorkedExample, messages
from sppl.strategies.recipe import Recipe
from sppl.teachers.asking import Request, ask_all
from sppl.teachers.journal import Journal
from sppl.teachers.teacher import Decoding, Reply, Teacher, cost

log = logging.getLogger(__name__)

CHARACTERS_PER_TOKEN = 3.5
"""For estimates only: a little below English text, so that they err on the dear side."""


@dataclass(frozen=True)
class TeacherResponses:
    """Each recipe's teacher answers the questions.

    Args:
        teachers: by the name recipes use.
        journal: a folder; every finished answer is a line of a file per strategy and teacher there.
        sees: what teachers are told beyond the question: `question` nothing, `answer` the gold one, `solution`.
        examples: files of worked examples by the name of the set, each with questions and responses.
    """

    teachers: Mapping[str, Teacher]
    journal: str
    sees: Literal["question", "answer", "solution"] = "answer"
    examples: Mapping[str, str | None] = field(default_factory=dict)
    label: ClassVar[str] = "teacher"
    paid: ClassVar[bool] = True

    def identity(self, strategy: Strategy) -> Mapping[str, Any]:
        """What the responses of a recipe depend on: its teacher, and what the teacher is shown."""
        recipe = _recipe(strategy)
        shown = [[one.question, one.response] for one in self._shown(recipe)]
        return {"teacher": self._teacher(recipe).identity, "sees": self.sees, "examples": shown}

    def estimate(self, strategy: Strategy, questions: list[Question]) -> Estimate:
        """What asking would take, without answers that are on disk already and without second tries."""
        recipe = _recipe(strategy)
        teacher = self._teacher(recipe)
        known = self._journal(recipe).read()
        todo = [request for request in self._requests(recipe, questions, 0).values() if request.key not in known]
        read_ = int(sum(len(one["content"]) for request in todo for one in request.messages) / CHARACTERS_PER_TOKEN)
        written = recipe.expected_tokens * len(todo)
        return Estimate(teacher.name, len(todo), read_, written, cost(teacher.prices, read_, written))

    def respond(self, strategy: Strategy, questions: list[Question]) -> list[str]:
        """One response per question; only those that are not on disk are asked for.

        Raises:
            UserError: some stayed unanswered (every one with its reason), or the teacher cannot be asked at all.
        """
        recipe = _recipe(strategy)
        found, failed = self._ask(recipe, questions, 0)
        said = self._journal(recipe).path.with_suffix(".failed.json")
        said.unlink(missing_ok=True)
        if failed:
            said.parent.mkdir(parents=True, exist_ok=True)
            said.write_text(json.dumps(failed, indent=1, ensure_ascii=False))
            shown = "; ".join(f"{key}: {why}" for key, why in list(failed.items())[:20])
            raise UserError(
                f"{recipe.name}: {len(failed)} of {len(questions)} questions have no response (all in {said}): "
                f"{shown}. "
                f"The other {len(questions) - len(failed)} are kept; the same command asks for the missing ones only. "
                "To go on without a question for all strategies: 'benchmark.without=[ID]'"
            )
        return [found[question.id] for question in questions]

    def respond_again(self, strategy: Strategy, questions: list[Question], attempt: int) -> Mapping[str, str]:
        """The answers of a further attempt by question id; a question whose request failed is not among them."""
        return self._ask(_recipe(strategy), questions, attempt)[0]

    def _ask(self, recipe: Recipe, questions: list[Question], attempt: int) -> tuple[dict[str, str], dict[str, str]]:
        """Answers, and reasons for their lack, both by question id."""
        journal, requests = self._journal(recipe), self._requests(recipe, questions, attempt)
        known = journal.read()
        todo = {request.key: request for request in requests.values() if request.key not in known}
        by_key = {request.key: name for name, request in requests.items()}

        def arrived(key: str, reply: Reply) -> None:
            journal.add(
                key, question_id=by_key[key], attempt=attempt, text=reply.text,
                input_tokens=reply.input_tokens, output_tokens=reply.output_tokens,
            )  # fmt: skip

        def missed(key: str, why: str, tokens: tuple[int, int]) -> None:
            tries = _tries(journal)
            tries.add(
                key, question_id=by_key[key], attempt=attempt, why=why, input_tokens=tokens[0], output_tokens=tokens[1]
            )

        failed = ask_all(self._teacher(recipe), list(todo.values()), arrived, missed)
        known = journal.read()
        found = {name: known[request.key]["text"] for name, request in requests.items() if request.key in known}
        return found, {name: failed[request.key] for name, request in requests.items() if request.key in failed}

    def usage(self, strategy: Strategy, questions: list[Question]) -> Mapping[str, Any]:
        """What the answers to these questions really took, all attempts together, tries without an answer included."""
        recipe = _recipe(strategy)
        teacher, journal = self._teacher(recipe), self._journal(recipe)
        keys = {request.key for at in range(recipe.tries) for request in self._requests(recipe, questions, at).values()}
        used = [one for key, one in journal.read().items() if key in keys]
        lost = [one for one in _tries(journal).entries() if one["key"] in keys]
        tokens = tuple(sum(one[name] for one in [*used, *lost]) for name in ("input_tokens", "output_tokens"))
        return {
            "teacher": teacher.name,
            "requests": len(used),
            "input_tokens": tokens[0],
            "output_tokens": tokens[1],
            "cost": cost(teacher.prices, *tokens),
            "failed_tries": dict(Counter(one["why"] for one in lost)),
        }

    def _requests(self, recipe: Recipe, questions: Iterable[Question], attempt: int) -> dict[str, Request]:
        shown, teacher = self._shown(recipe), self._teacher(recipe)
        decoding = Decoding(recipe.temperature, recipe.max_tokens, attempt)
        found = {}
        for question in questions:
            content = messages(recipe, question, self.sees, shown)
            found[question.id] = Request(_key(teacher, content, decoding, question.id), content, decoding)
        return found

    def _journal(self, recipe: Recipe) -> Journal:
        return Journal(Path(self.journal, f"{recipe.name}-{fingerprint(self._teacher(recipe).identity)}.jsonl"))

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
        contents = read(Path(path))
        problems, found = list(contents.problems), []
        for line, record in contents.rows:
            try:
                one = entry(record, Format(), answer_is_gold=False)
            except BadField as bad:
                problems.append(Problem(path, bad.why, line, field=bad.name))
                continue
            if not one.question or not one.response:
                problems.append(Problem(path, "a worked example needs a question and a response", line))
            found.append(WorkedExample(one.question, one.response))
        refuse(problems)
        return found


def _recipe(strategy: Strategy) -> Recipe:
    assert isinstance(strategy, Recipe)
    return strategy


def _tries(journal: Journal) -> Journal:
    """The tries that brought no answer, beside the answers."""
    return Journal(journal.path.with_suffix(".tries"))


def _key(teacher: Teacher, content: list[Message], decoding: Decoding, question_id: str) -> str:
    sampled = [decoding.temperature, decoding.max_tokens, decoding.seed]
    return fingerprint([teacher.identity, content, sampled]) + "-" + fingerprint(question_id)
