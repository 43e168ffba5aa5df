"""Warns of an answer rule that judges no response right, or calls many wrong that end with the gold answer."""

import logging
from collections.abc import Mapping

import pandas as pd

from sppl.benchmarks.rule_doubt import Judged, describe_examples, find_doubtful
from sppl.data.conversations import final_answer
from sppl.data.files import LocalQuestions
from sppl.report.next_step import checking_command
from sppl.study.responses import Responses

log = logging.getLogger(__name__)

EXAMPLES = 3
"""How many responses a warning shows."""


def warn_if_none_is_right(responses: Mapping[str, Responses]) -> None:
    """Logs one warning if strategies have responses to the same questions and not one is judged right.

    That rarely means that all responses are bad: mostly the rule does not fit the answers, or the gold answers are in
    another form.
    """
    first = next(iter(responses.values()), None)
    if first is None or not first.benchmark.judged:
        return
    _warn_of_doubt(responses, first)
    found = pd.concat([one.known() for one in responses.values()], ignore_index=True)
    if found.empty or any(any(one.right().values()) for one in responses.values()):
        return
    by_id, benchmark = {question.id: question for question in first.questions}, first.benchmark
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
        "(own data: %s; docs/answers.md says how each reads), and are the gold answers of its form? For example %s",
        benchmark.name, len(found), ", ".join(responses), benchmark.task,
        "benchmark.answer=number, choice or text" if first.store.typed else "answer='number', 'choice' or 'text'",
        "; ".join(shown),
    )  # fmt: skip


def _warn_of_doubt(responses: Mapping[str, Responses], first: Responses) -> None:
    """One warning where the rule of own files calls responses wrong that end with the gold answer."""
    if not isinstance(questions := first.benchmark.questions, LocalQuestions):
        return
    by_id, judged = {question.id: question for question in first.questions}, list[Judged]()
    for one in responses.values():
        right, found = one.right(), one.known()
        for id_, text in zip(found["question_id"], found["response"], strict=True):
            judged.append(Judged(by_id[id_], final_answer(by_id[id_], text), right[id_]))
    wrong = find_doubtful(judged)
    if wrong and any(one.right for one in judged):
        log.warning(
            "%s: is benchmark.answer=%s right? It judges %d of %d responses wrong, and %d of those end with the gold "
            "answer: %s. What each rule says of them: %s",
            first.benchmark.name, questions.answer, sum(not one.right for one in judged), len(judged), len(wrong),
            "; ".join(describe_examples(wrong)),
            checking_command(first.store.typed, "benchmark=local", f"data_dir={questions.folder}"),
        )  # fmt: skip
