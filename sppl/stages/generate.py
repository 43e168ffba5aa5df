"""generate: the benchmark's response source answers the training questions by each strategy's recipe."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sppl.benchmarks.benchmark import Benchmark
from sppl.stages.leaves import Plan, take
from sppl.stages.responses import known_responses, make_responses
from sppl.store import Store
from sppl.strategies.recipe import Recipe

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger


def generate(
    *,
    benchmark: Benchmark,
    strategy: Mapping[str, Recipe],
    n_score: int,
    n_train: int | str,
    store: Store,
    dry: bool = False,
    loggers: Sequence["Logger"] = (),
) -> Plan:
    """Makes the `responses` of every strategy to the first max(n_score, n_train) training questions.

    Raises:
        UserError: the source has no responses of a strategy; the message lists those it has.
    """
    everything = take(benchmark, "train", n_train)
    questions = everything if n_train == "all" or n_score <= len(everything) else take(benchmark, "train", n_score)
    found, to_make = [], []
    for name, recipe in strategy.items():
        missing = len(questions) - len(known_responses(store, benchmark, recipe, questions))
        (to_make if missing else found).append(f"{name} ({missing} responses)" if missing else name)
        if missing and not dry:
            make_responses(store, benchmark, recipe, questions)
        if not dry:
            correct = known_responses(store, benchmark, recipe, questions)["correct"].mean()
            for logger in loggers:
                logger.log_metrics({f"generate/{name}/correct": float(correct)})
    return Plan(tuple(found), tuple(to_make))
