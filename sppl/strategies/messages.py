"""Writes the messages a teacher is sent from a recipe and a question; data are filled in once, never as templates."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sppl.schemas import Message, Question, UserError
from sppl.strategies.recipe import Recipe

KNOWN = {
    "question": "",
    "answer": "For you alone: the right final answer is given below. Get there by reasoning of your own, and write as "
    "if you had not been told.\n{answer}",
    "solution": "For you alone: a right solution is given below. Let your answer rest on it, say more than it does, "
    "and do not mention it.\n{solution}",
}
"""Texts that tell a teacher the answer or the solution beyond the question, by what it sees."""

EXAMPLE = "Task:\n{question}\n\nAnswer:\n{response}"
MARK = re.compile(r"\{(question|known|examples|solution|answer|response)\}")


@dataclass(frozen=True)
class WorkedExample:
    """A question with a response whose style the teacher should imitate."""

    question: str
    response: str


def write_messages(
    recipe: Recipe, question: Question, sees: str, examples: Sequence[WorkedExample] = ()
) -> list[Message]:
    """Returns the messages of one request.

    Args:
        sees: what the benchmark lets teachers see: `question`, `answer` or `solution`; the recipe may overrule it.

    Raises:
        UserError: the recipe has no wording, or needs a solution or examples that are not there.
    """
    if not recipe.request:
        raise UserError(
            f"{recipe.name} has no wording for a teacher (strategy.{recipe.name}.request); take its responses"
            " from files"
        )
    shown = recipe.sees if recipe.sees != "task" else sees
    if not question.solution and (shown == "solution" or "{solution}" in recipe.request):
        raise UserError(
            f"{recipe.name} shows the teacher the data set's own solution, and question {question.id} has none"
        )
    if "{examples}" in recipe.request and not examples:
        raise UserError(
            f"{recipe.name} shows worked examples ({recipe.examples}); give a file of questions and responses: "
            f"benchmark.responders.teacher.examples.{recipe.examples}=FILE.jsonl"
        )
    if shown == "answer" and not question.answer:
        shown = "question"  # nothing is known that could be shown (benchmark.answer=none)
    parts = {
        "question": question.prompt,
        "known": _fill(KNOWN[shown], answer=question.answer, solution=question.solution),
        "solution": question.solution,
        "examples": "\n\n".join(_fill(EXAMPLE, question=one.question, response=one.response) for one in examples),
    }
    content = re.sub(r"\n{3,}", "\n\n", _fill(recipe.request, **{**parts, "known": parts["known"] or ""})).strip()
    system: list[Message] = [{"role": "system", "content": recipe.system}] if recipe.system else []
    return [*system, {"role": "user", "content": content}]


def given_response(recipe: Recipe, question: Question, closing: str) -> str:
    """Returns the response of a strategy that asks no teacher: the data set's solution, or the bare gold label.

    Args:
        closing: how an answer of the benchmark ends, gold label included; empty where it has no such line.

    Raises:
        UserError: the question has no solution, or no gold answer.
    """
    if recipe.given == "label":
        if not question.answer:
            raise UserError(f"{recipe.name} answers with the gold label, and question {question.id} has none")
        return closing.strip() or question.answer
    if not question.solution:
        raise UserError(f"{recipe.name} takes the data set's own solution, and question {question.id} has none")
    return question.solution


def _fill(wording: str, **parts: str) -> str:
    return MARK.sub(lambda mark: parts.get(mark[1], mark[0]), wording)
