"""Fits default numbers of questions to a user's own data, where there are fewer, and says so."""

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from math import inf
from typing import Any

from sppl.benchmarks.definition import NONE
from sppl.cli.settings import as_plain
from sppl.cli.unused import idle_words
from sppl.data.files import HELD_OUT_BY, LocalQuestions, NoQuestions
from sppl.data.gathering import SPLITS
from sppl.schemas import Split

log = logging.getLogger(__name__)

SIZES: dict[str, Split] = {"n_predict": "train", "n_score": "train", "n_train": "train", "n_test": "test"}
OF_PILOTS: dict[str, Split] = {
    "n_pilot": "train",
    "policy.n_pilot": "train",
    "n_validation": "validation",
    "training.n_validation": "validation",
}
"""Further numbers, which count only where the run reads them."""
TESTED = {"benchmark", "pilot_benchmark", "shortlist"}
"""Stages that ask test questions, and the one whose pick is tested later on questions that it must not have seen."""
HELD_OUT_TO = {"test": "test", "validation": "settle"}
FEWEST = 3
"""Training questions of which some can be held out to test on, some to settle on, and one remains."""
HELD_OUT = 0.2
"""Share of the training questions that are tested, or settled, on where the files give no questions for that."""


def fit_sizes(config: Any, questions: LocalQuestions, typed: Collection[str]) -> None:
    """Lowers the numbers of questions in a job's configuration to those in the user's files; one line says which.

    What was typed stays, so that a number that is too large is refused; but where questions are held out, which nobody
    could count beforehand, it is lowered too. Where test or validation questions are wanted and the files have none, a
    share of the training questions becomes them.

    Args:
        config: of the job; it is changed.
        questions: of the benchmark, as configured.
        typed: the overrides of the job.
    """
    given = {one.partition("=")[0].lstrip("+") for one in typed}
    without, said = {*map(str, config["benchmark"].get("without") or ())}, list[str]()
    before: dict[Split, float] = {split: _count(questions, split, without) for split in SPLITS}
    most = dict(before)
    for split in _wanted(config):
        name = HELD_OUT_BY[split]
        if before[split] or before["train"] < FEWEST or f"benchmark.questions.{name}" in given:
            continue
        config["benchmark"]["questions"][name] = HELD_OUT
        questions, most[split] = replace(questions, **{name: HELD_OUT}), inf
        some = "of the others" if said else "training questions"
        last = f"the last {_count(questions, split, without)} {some} are held out to {HELD_OUT_TO[split]} on"
        said.append(f"no {split} questions, so {last}")
    there = {split: _count(questions, split, without) for split in SPLITS}
    lowered = dict[str, int]()
    for place, split in _numbers(config):
        group, _, name = place.rpartition(".")
        part, n = config[group] if group else config, there[split]
        if n and isinstance(part[name], int) and part[name] > n and (place not in given or part[name] <= most[split]):
            part[name] = lowered[place] = n
    if lowered:
        said.append(", ".join(f"{name}={n}" for name, n in lowered.items()) + " is all there is")
    if said:
        log.info("your data: %s", "; ".join(said))


def why_unsettled(benchmark: Mapping[str, Any], questions: LocalQuestions) -> str:
    """Returns why no short training can settle a pick on a user's own data; empty where `fit_sizes` makes it possible.

    Args:
        benchmark: its part of the configuration.
        questions: of it.
    """
    if benchmark.get("answer") == NONE:
        return "accuracies would settle it, and without gold answers there are none (benchmark.answer=none)"
    without = {*map(str, benchmark.get("without") or ())}
    n = _count(questions, "train", without)
    if n >= FEWEST or _count(questions, "validation", without):
        return ""
    return (
        f"short trainings on some questions, measured on others, would settle it; {questions.folder} has no "
        f"validation.jsonl, and {n} training questions are too few to hold some of them out"
    )


def _wanted(config: Any) -> Iterator[Split]:
    """The splits other than the training questions that the stages of this run ask, in the order they are held out."""
    stages = {*config["stage"]}
    if config["benchmark"].get("answer") == NONE:
        return
    if stages & TESTED:
        yield "test"
    if "shortlist" in stages or ("finetune" in stages and config["training"]["select"] == "best"):
        yield "validation"


def _numbers(config: Any) -> Iterator[tuple[str, Split]]:
    """The places of the numbers of questions that are fitted, each with its split."""
    yield from SIZES.items()
    idle = idle_words([f"{place}=1" for place in OF_PILOTS], as_plain(config, resolve=False), sweep=False)
    for place, split in OF_PILOTS.items():
        if f"{place}=1" not in idle:
            yield place, split


def _count(questions: LocalQuestions, split: Split, without: Collection[str]) -> int:
    try:
        return sum(one.id not in without for one in questions.questions(split))
    except NoQuestions:
        return 0
