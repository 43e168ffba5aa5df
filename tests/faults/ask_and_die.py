"""Asks the fault server a test's questions until done or killed.

    python -m tests.faults.ask_and_die URL JOURNAL N [AT_ONCE LIMIT]

With a limit in US dollars it counts in a file beside the journal, as the jobs of a sweep do together.
"""

import math
import sys
from pathlib import Path

from sppl.schemas import Question
from sppl.strategies.recipe import Recipe
from sppl.teachers.api import OpenAITeacher
from sppl.teachers.budget import Budget
from sppl.teachers.teacher_responses import TeacherResponses

RECIPE = Recipe("direct", "asked directly", teacher="t", request="{question}\n\n{known}", max_tokens=100)


def questions(n: int) -> list[Question]:
    """What is asked."""
    return [Question(f"q{at}", f"How many, {at}?", "1") for at in range(n)]


def ask(url: str, journal: str, n: int, at_once: int = 3, budget: Budget | None = None) -> list[str]:
    """The answers; a token of one costs a tenth of a cent."""
    prices = {"input_price": 0.0, "output_price": 1000.0}
    own = {"concurrency": at_once, "backoff": 0.01, "max_tokens_ceiling": 100, **prices}
    teacher = OpenAITeacher(name="t", model="m", api_key_env=None, base_url=f"{url}/v1", **own)
    return TeacherResponses({"t": teacher}, journal, budget=budget or Budget()).respond(RECIPE, questions(n))


def shared(journal: str, limit: float = math.inf) -> Budget:
    """What all processes of a test may spend together."""
    return Budget(limit, Path(journal).with_suffix(".spent.json"))


if __name__ == "__main__":
    url, journal, n, *more = sys.argv[1:]
    ask(url, journal, int(n), *([int(more[0]), shared(journal, float(more[1]))] if more else []))
