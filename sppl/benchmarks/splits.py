"""Takes the first questions of a benchmark's split."""

from typing import Any

from sppl.benchmarks.definition import Benchmark
from sppl.benchmarks.gold_check import check_gold
from sppl.bounds import NumberOfQuestions, fits
from sppl.schemas import Question, UserError

NUMBERS: dict[str, str] = {
    "train": "n_predict, n_score, n_train, n_pilot",
    "validation": "n_validation, training.n_validation",
    "test": "n_test",
}
"""Settings that say how many questions of a split are used."""


def take(benchmark: Benchmark, split: Any, n: int | str) -> list[Question]:
    """Returns the first `n` questions of a split (`all`: every one) that the benchmark does not leave out.

    Raises:
        UserError: the split has fewer or none, `n` is not a count, or more than 1 % of the split's gold answers are
            wrong by the benchmark's own rule.
    """
    check_count(n)
    wanted = None if n == "all" else int(n)
    asked = None if wanted is None else wanted + len(benchmark.without)
    questions = [one for one in benchmark.questions.questions(split, asked) if one.id not in benchmark.without][:wanted]
    if wanted is not None and len(questions) < wanted:
        raise UserError(
            f"{benchmark.name} has {len(questions)} {split} questions, {wanted} were asked for; "
            f"lower the number ({NUMBERS[split]}) or say `all`"
        )
    if not questions:
        without = f", as benchmark.without leaves out {len(benchmark.without)}" if benchmark.without else ""
        raise UserError(f"{benchmark.name} has no {split} questions{without}; there is nothing to do with them")
    check_gold(benchmark, split, questions)
    return questions


def check_count(n: int | str) -> None:
    """Nothing.

    Raises:
        UserError: `n` is no number of questions.
    """
    if not fits(n, NumberOfQuestions):
        raise UserError(f"a number of questions is a whole number above 0, or `all`; got {n!r}")
