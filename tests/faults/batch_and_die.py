"""Asks the stand-in for batches until done or killed: `python -m tests.faults.batch_and_die URL JOURNAL N KIND`."""

import sys

from sppl.schemas import Question
from sppl.strategies.recipe import Recipe
from sppl.teachers.api import AnthropicTeacher, OpenAITeacher
from sppl.teachers.budget import Budget
from sppl.teachers.teacher_responses import TeacherResponses

RECIPE = Recipe("direct", "asked directly", teacher="t", request="{question}\n\n{known}", max_tokens=100)
DEAREST = 0.05 * 7.5
"""US dollars for so many requests at once, each of at most 100 tokens: a set takes several batches."""


def questions(n: int) -> list[Question]:
    """What is asked."""
    return [Question(f"q{at}", f"How many, {at}?", "1") for at in range(n)]


def source(url: str, journal: str, kind: str, limit: float = DEAREST) -> TeacherResponses:
    """The teacher of a kind, `openai` or `anthropic`, and the dollars it may cost."""
    settings = {"name": "t", "model": "m", "api_key_env": None, "timeout": 0.6, "backoff": 0.01, "mode": "batch"}
    settings |= {"poll": 0.03, "input_price": 0.0, "output_price": 1000.0}
    if kind == "openai":
        teacher = OpenAITeacher(base_url=f"{url}/v1", **settings)
    else:
        teacher = AnthropicTeacher(base_url=url, **settings)
    return TeacherResponses({"t": teacher}, journal, budget=Budget(limit))


if __name__ == "__main__":
    source(sys.argv[1], sys.argv[2], sys.argv[4]).respond(RECIPE, questions(int(sys.argv[3])))
