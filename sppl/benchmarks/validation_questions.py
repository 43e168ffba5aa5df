"""Takes validation questions that are in neither the test nor the training questions."""

from collections.abc import Mapping, Sequence

from sppl.benchmarks.definition import Benchmark
from sppl.benchmarks.splits import check_count, take
from sppl.commands import command
from sppl.data.files import NoQuestions
from sppl.schemas import Question, Split, UserError

SHOWN = 5
"""How many questions a message names."""


def questions_apart(benchmark: Benchmark, n: int | str, typed: Sequence[str] = ()) -> list[Question]:
    """Returns the first `n` validation questions (`all`: every one).

    Args:
        typed: the command line, for the command that an error names.

    Raises:
        UserError: `n` is no number of questions, there are fewer, or one of them is also a test or a training question,
            by its id or its wording.
    """
    check_count(n)
    there = len(benchmark.questions.questions("validation", None if n == "all" else int(n) + len(benchmark.without)))
    if not there:
        raise UserError(
            f"{benchmark.name} has no validation questions, and pilots are never measured on the test's; own files: "
            "add validation.jsonl, or a field `split`. Else train fully on each of the best: "
            + command(typed, "stage=[generate,finetune,benchmark,report]")
        )
    if n != "all" and there < int(n):
        raise UserError(
            f"{benchmark.name} has {there} validation questions, n_validation={n} were asked for: "
            f"n_validation={there}, or n_validation=all"
        )
    questions = take(benchmark, "validation", n)
    shared = {split: _shared(questions, benchmark, split) for split in ("test", "train")}
    if any(shared.values()):
        raise _overlapping(benchmark, shared)
    return questions


def _shared(questions: Sequence[Question], benchmark: Benchmark, split: Split) -> list[str]:
    try:
        others = benchmark.questions.questions(split)
    except NoQuestions:  # none of a user's own, so none is shared
        return []
    ids, wordings = {one.id for one in others}, {" ".join(one.prompt.split()) for one in others}
    return [one.id for one in questions if one.id in ids or " ".join(one.prompt.split()) in wordings]


def _overlapping(benchmark: Benchmark, shared: Mapping[str, Sequence[str]]) -> UserError:
    words = {"test": "test questions too", "train": "training questions too"}
    said = "; ".join(
        f"{len(ids)} are {words[split]} ({', '.join(ids[:SHOWN])}{' ...' if len(ids) > SHOWN else ''})"
        for split, ids in shared.items()
        if ids
    )
    left_out = list(dict.fromkeys(id_ for ids in shared.values() for id_ in ids))
    listed = f"'benchmark.without=[{','.join(left_out)}]'" if len(left_out) <= SHOWN else "benchmark.without"
    disjoint = "; or, where the benchmark has it, benchmark.splits=disjoint" if len(left_out) > SHOWN else ""
    return UserError(
        f"{benchmark.name}: pilots are measured on validation questions, and of these {said}: what settles the pick "
        f"would see what judges it. Take them out of one of the splits, or of all: {listed}{disjoint}"
    )
