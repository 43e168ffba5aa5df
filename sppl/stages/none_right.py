"""What has to be said of the rule where no response is judged right, or many wrong that end with the gold answer."""

import logging
from collections.abc import Mapping, Sequence

import pandas as pd

from sppl.artifacts.store import Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.benchmarks.doubt import Judged, doubtful, examples
from sppl.data.conversations import final_answer
from sppl.data.files import LocalQuestions
from sppl.report.next_step import checking_command
from sppl.schemas import Question
from sppl.stages.responses import known_responses, right_responses
from sppl.strategies.recipe import Recipe

log = logging.getLogger(__name__)

EXAMPLES = 3
"""Responses the warning shows."""


def warn_if_none_is_right(
    store: Store, benchmark: Benchmark, strategies: Mapping[str, Recipe], questions: Sequence[Question]
) -> None:
    """One warning if strategies have responses to the questions and not one of them is judged right.

    That is rarely how good the responses are: mostly the rule is another than the answers', or the gold answers are of
    another form.
    """
    if not benchmark.judged:
        return
    _warn_of_doubt(store, benchmark, strategies, questions)
    frames = [known_responses(store, benchmark, recipe, questions) for recipe in strategies.values()]
    found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    right = [right_responses(store, benchmark, recipe, questions) for recipe in strategies.values()]
    if found.empty or any(any(one.values()) for one in right):
        return
    by_id = {question.id: question for question in questions}
    pairs = [
        (by_id[id_], final_answer(by_id[id_], text))
        for id_, text in zip(found["question_id"], found["response"], strict=True)
    ][:EXAMPLES]
    shown = [
        f"{one.id}: gold {one.answer[:40]!r}, response ending in {final_answer(one, text)[-60:]!r}"
        for one, text in pairs
    ]
    log.warning(
        "%s: not one of the %d responses of %s is judged right. Is the rule %s the one for these answers "
        "(own data: benchmark.answer=number, choice or text; docs/answers.md says how each reads), and are the gold "
        "answers of its form? For example %s",
        benchmark.name, len(found), ", ".join(strategies), benchmark.task, "; ".join(shown),
    )  # fmt: skip


def _warn_of_doubt(
    store: Store, benchmark: Benchmark, strategies: Mapping[str, Recipe], questions: Sequence[Question]
) -> None:
    """One warning where the rule of own files calls responses wrong that end with the gold answer."""
    if not isinstance(benchmark.questions, LocalQuestions):
        return
    by_id, judged = {question.id: question for question in questions}, list[Judged]()
    for recipe in strategies.values():
        right = right_responses(store, benchmark, recipe, questions)
        found = known_responses(store, benchmark, recipe, questions)
        for id_, text in zip(found["question_id"], found["response"], strict=True):
            judged.append(Judged(by_id[id_], final_answer(by_id[id_], text), right[id_]))
    wrong = doubtful(judged)
    if wrong and any(one.right for one in judged):
        log.warning(
            "%s: is benchmark.answer=%s right? It judges %d of %d responses wrong, and %d of those end with the gold "
            "answer: %s. What each rule says of them: %s",
            benchmark.name, benchmark.questions.answer, sum(not one.right for one in judged), len(judged), len(wrong),
            "; ".join(examples(wrong)), checking_command(store.typed),
        )  # fmt: skip
