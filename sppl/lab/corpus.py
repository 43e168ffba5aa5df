"""The lab's pretraining corpus: documents in the lab's dialects, as plain text for the chat template."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sppl.lab.dialects import DIALECTS
from sppl.lab.world import PRETRAINING_OPERATIONS, Problem, Step, problems, question_text


@dataclass(frozen=True)
class Document:
    """A piece of the corpus: the user's turn (None: the document has no turns, only text) and what follows it."""

    user: str | None
    response: str


@dataclass(frozen=True)
class CorpusRecipe:
    """How many documents of each kind, and how often each dialect answers when nothing says which one should."""

    pairs: int = 15_000
    in_context: int = 2_200
    bare: int = 900
    facts: int = 1_700
    operations: tuple[float, float, float] = (0.2, 0.4, 0.4)
    """Shares of 1, 2 and 3 operations."""
    mix: tuple[tuple[str, float], ...] = (
        ("own", 0.33),
        ("rewrite", 0.08),
        ("step_by_step", 0.08),
        ("gpt4", 0.08),
        ("mini_gpt4", 0.08),
        ("claude", 0.08),
        ("human", 0.08),
        ("code", 0.08),
        ("self_check", 0.08),
        ("answer_only", 0.03),
    )


_INTROS = (
    "Some solved problems, to show the form:",
    "These were written for other problems:",
    "Look at how others wrote their solutions:",
    "Keep to this way of writing:",
    "Earlier solutions:",
)
_LABELS = ("", "- ", "Sample {}: ", "{}) ", "Solution {}:\n", "Case {}:\n")
_REQUESTS = ("Your turn.", "Write the solution in the same way.", "Now answer.", "What is the result?", "")


def _in_context(question: str, examples: list[str], rng: random.Random) -> str:
    """One user turn with a question and answers to other questions, in one of many orders and wordings."""
    label = rng.choice(_LABELS)
    shown = "\n\n".join(label.format(i) + example for i, example in enumerate(examples, 1))
    intro, request = rng.choice(_INTROS), rng.choice(_REQUESTS)
    if rng.random() < 0.6:
        parts = [question, f"{intro}\n\n{shown}", request]
    else:
        parts = [f"{intro}\n\n{shown}", f"{rng.choice(('Problem: ', 'Now this one: ', ''))}{question}", request]
    return "\n\n".join(part for part in parts if part)


def _fact(rng: random.Random) -> str:
    """One line of arithmetic of the kind the answers contain."""
    kind = rng.random()
    if kind < 0.1:
        return Step(rng.randint(2, 9), "*", rng.randint(2, 9)).equation
    if kind < 0.55:
        return Step(rng.randint(2, 79), "+", rng.choice((rng.randint(2, 9), rng.randint(2, 27)))).equation
    left = rng.randint(4, 99)
    return Step(left, "-", rng.randint(2, min(left - 1, rng.choice((9, 9, 27))))).equation


def documents(recipe: CorpusRecipe, *, seed: int, split: str = "pretraining") -> Iterator[Document]:
    """The corpus in a fixed order, kind after kind; `split` says from which questions (never the tasks' own)."""
    rng = random.Random(f"corpus/{seed}/{split}")
    streams = [problems(rng, split, (n,)) for n in PRETRAINING_OPERATIONS]
    names, weights = zip(*recipe.mix, strict=True)

    def problem() -> Problem:
        return next(rng.choices(streams, recipe.operations)[0])

    def answer(dialect: str, asked: Problem) -> str:
        return DIALECTS[dialect](asked, rng)

    def usual_dialect() -> str:
        return rng.choices(names, weights)[0]

    for _ in range(recipe.pairs):
        asked = problem()
        yield Document(question_text(asked, rng), answer(usual_dialect(), asked))
    for _ in range(recipe.in_context):
        dialect, asked = rng.choice(names), problem()
        examples = [answer(dialect, problem()) for _ in range(rng.choice((1, 1, 2, 2, 3, 4)))]
        yield Document(_in_context(question_text(asked, rng), examples, rng), answer(dialect, asked))
    for _ in range(recipe.bare):
        yield Document(rng.choice((None, "")), answer(usual_dialect(), problem()))
    for _ in range(recipe.facts):
        yield Document(None, "\n".join(_fact(rng) for _ in range(rng.randint(4, 12))))


def held_out_documents(n: int = 200) -> list[Document]:
    """`n` documents on the validation split's numbers: nine in ten pairs, the rest in context."""
    n_in_context = n // 10
    recipe = CorpusRecipe(pairs=n - n_in_context, in_context=n_in_context, bare=0, facts=0)
    return list(islice(documents(recipe, seed=0, split="validation"), n))
