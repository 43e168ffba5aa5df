"""Asks the fault server a test's questions until done or killed: `python -m tests.faults.ask_and_die URL JOURNAL N`."""

import sys

from sppl.schemas import Question
from sppl.strategies.recipe import Recipe
from sppl.teachers.api import OpenAITeacher
from sppl.teachers.responses_of_teachers import TeacherResponses

RECIPE = Recipe("direct", "asked directly", teacher="t", request="{question}\n\n{known}")


def questions(n: int) -> list[Question]:
    """What is asked."""
    return [Question(f"q{at}", f"How many, {at}?", "1") for at in range(n)]


def ask(url: str, journal: str, n: int) -> list[str]:
    """The answers."""
    teacher = OpenAITeacher(name="t", model="m", api_key_env=None, base_url=f"{url}/v1", concurrency=3, backoff=0.01)
    return TeacherResponses({"t": teacher}, journal).respond(RECIPE, questions(n))


if __name__ == "__main__":
    ask(sys.argv[1], sys.argv[2], int(sys.argv[3]))
