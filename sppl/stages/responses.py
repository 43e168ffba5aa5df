"""The responses of a strategy: read from the store, and made where making them costs nothing."""

import time
from collections.abc import Sequence

import pandas as pd

from sppl.benchmarks.benchmark import Benchmark
from sppl.benchmarks.harness import judge
from sppl.provenance import fingerprint
from sppl.schemas import Identified, Question
from sppl.store import MissingArtefact, Store
from sppl.strategies.recipe import Recipe


def known_responses(store: Store, benchmark: Benchmark, recipe: Recipe, questions: Sequence[Question]) -> pd.DataFrame:
    """The responses in the store to these questions, in their order: `question_id, response, correct`.

    A response belongs to a question's id and wording: where either changed it is not found.
    """
    words = (benchmark.name, _folder(benchmark, recipe))
    parts = [store.read(leaf) for leaf in store.leaves("responses", *words)]
    wanted = pd.DataFrame(
        {"question_id": [q.id for q in questions], "question": [fingerprint(q.prompt) for q in questions]}
    )
    if not parts:
        return pd.DataFrame(columns=["question_id", "response", "correct"])
    found = pd.concat(parts, ignore_index=True).drop_duplicates(["question_id", "question"])
    return wanted.merge(found, on=["question_id", "question"])[["question_id", "response", "correct"]]


def make_responses(store: Store, benchmark: Benchmark, recipe: Recipe, questions: Sequence[Question]) -> int:
    """Answers those questions that have no response yet, checks the answers and stores them; returns how many."""
    words = (benchmark.name, _folder(benchmark, recipe))
    with store.lock("responses", *words):
        known = set(known_responses(store, benchmark, recipe, questions)["question_id"])
        missing = [question for question in questions if question.id not in known]
        if not missing:
            return 0
        start = time.perf_counter()
        texts = benchmark.responses.respond(recipe, missing)
        frame = pd.DataFrame(
            {
                "question_id": [question.id for question in missing],
                "question": [fingerprint(question.prompt) for question in missing],
                "response": texts,
                "correct": [verdict == 1.0 for verdict in judge(benchmark.task_file, missing, texts)],
            }
        )
        leaf = store.leaf("responses", *words, f"n{len(missing)}", settings={"ids": frame["question_id"].tolist()})
        facts = {"source": benchmark.responses.label, "correct_share": round(float(frame["correct"].mean()), 4)}
        store.write(leaf, frame, {}, time.perf_counter() - start, **facts)
    return len(missing)


def responses(
    store: Store, benchmark: Benchmark, recipe: Recipe, questions: Sequence[Question]
) -> list[tuple[Question, str]]:
    """Every question with its response; missing ones are made first where the source is free.

    Raises:
        MissingArtefact: responses that cost money are missing; the message is the command that makes them.
    """
    found = known_responses(store, benchmark, recipe, questions)
    if len(found) < len(questions) and not benchmark.responses.paid:
        make_responses(store, benchmark, recipe, questions)
        found = known_responses(store, benchmark, recipe, questions)
    if len(found) < len(questions):
        raise MissingArtefact(
            f"{len(questions) - len(found)} of {len(questions)} responses of {recipe.name} for {benchmark.name} are "
            f"missing; make them: python run.py stage=generate benchmark={benchmark.name} strategy={recipe.name}"
        )
    return list(zip(questions, found["response"], strict=True))


def _folder(benchmark: Benchmark, recipe: Recipe) -> str:
    source = benchmark.responses
    identity = source.identity(recipe) if isinstance(source, Identified) else source
    return f"{recipe.name}-{fingerprint([identity, recipe, benchmark.judge])}"
