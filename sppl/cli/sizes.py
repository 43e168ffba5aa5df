"""Fits default numbers of questions to a user's own data, where there are fewer, and says so."""

import logging
from collections.abc import Collection
from typing import Any

from sppl.data.files import NoQuestions, count_held_out
from sppl.schemas import QuestionSource, Split

log = logging.getLogger(__name__)

SIZES: dict[str, Split] = {"n_predict": "train", "n_score": "train", "n_train": "train", "n_test": "test"}
TESTED = ("benchmark", "pilot_benchmark")
"""Stages that ask test questions."""
HELD_OUT = 0.2
"""Share of the training questions that are tested on where the files give no test questions."""


def fit_sizes(config: Any, questions: QuestionSource, typed: Collection[str]) -> None:
    """Lowers the numbers of questions in a job's configuration to those in the user's files; one line says which.

    What was typed stays, so that a number that is too large is refused. Where test questions are wanted and the files
    have none, a share of the training questions becomes them.

    Args:
        config: of the job; it is changed.
        questions: of the benchmark, as configured.
        typed: the overrides of the job.
    """
    given = {one.partition("=")[0].lstrip("+") for one in typed}
    said: list[str] = []
    tested = bool({*config["stage"]} & {*TESTED}) and config["benchmark"].get("answer") != "none"
    there = {split: _count(questions, split) for split in ("train", "test")}
    if tested and not there["test"] and there["train"] > 1 and "benchmark.questions.held_out" not in given:
        config["benchmark"]["questions"]["held_out"] = HELD_OUT
        there["test"] = count_held_out(there["train"], HELD_OUT)
        there["train"] -= there["test"]
        said.append(f"no test questions, so the last {there['test']} training questions are held out to test on")
    lowered = {
        name: there[split]
        for name, split in SIZES.items()
        if name not in given and there[split] and isinstance(config[name], int) and config[name] > there[split]
    }
    for name, most in lowered.items():
        config[name] = most
    if lowered:
        said.append(", ".join(f"{name}={most}" for name, most in lowered.items()) + " is all there is")
    if said:
        log.info("your data: %s", "; ".join(said))


def _count(questions: QuestionSource, split: Split) -> int:
    try:
        return len(questions.questions(split))
    except NoQuestions:
        return 0
