"""predict: the untrained target answers questions itself; its correct answers are the pool of examples."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sppl.artifacts.store import Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.generation.answer import Generator
from sppl.hardware.hardware import Hardware
from sppl.models.target import TargetModel
from sppl.study.plan import Plan, plan_of
from sppl.study.predictions import Predictions
from sppl.study.study import Study, make_missing

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger


def predict(
    *,
    benchmark: Benchmark,
    target_model: TargetModel,
    n_predict: int,
    generator: Generator,
    trainer: Hardware,
    store: Store,
    dry: bool = False,
    loggers: Sequence["Logger"] = (),
) -> Plan:
    """Makes the `predictions`: answers to the first `n_predict` training questions, judged by the task.

    They are greedy, or sampled as `benchmark.sampling` says.
    """
    predictions = Predictions(Study(store, benchmark, target_model, generator, trainer), n_predict)
    plan = plan_of([predictions])
    if dry:
        return plan
    make_missing(store, predictions)
    if benchmark.judged:
        _, right, _ = predictions.judged()
        for logger in loggers:
            logger.log_metrics({"predict/correct": sum(right) / max(1, len(right))})
    return plan
