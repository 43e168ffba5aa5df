"""predict: the untrained target answers questions itself; its correct answers are the pool of examples."""

from sppl.analysis.outcomes import UNTRAINED
from sppl.artifacts.store import Store
from sppl.benchmarks.definition import Benchmark
from sppl.bounds import Count
from sppl.generation.answer import Generator
from sppl.hardware.hardware import Hardware
from sppl.models.target import TargetModel
from sppl.study.loggers import Loggers, no_loggers
from sppl.study.plan import Plan, plan_of
from sppl.study.predictions import Predictions
from sppl.study.study import Study, make_missing


def predict(
    *,
    benchmark: Benchmark,
    target_model: TargetModel,
    n_predict: Count,
    generator: Generator,
    trainer: Hardware,
    store: Store,
    dry: bool = False,
    loggers: Loggers = no_loggers,
) -> Plan:
    """Makes the `predictions`: answers to the first `n_predict` training questions, judged by the task.

    They are greedy, or sampled as `benchmark.sampling` says.
    """
    predictions = Predictions(Study(store, benchmark, target_model, generator, trainer), n_predict)
    plan = plan_of([predictions])
    if dry:
        return plan
    make_missing(store, predictions)
    where, count = store.path(predictions.id), len(store.read(predictions.id))
    if not benchmark.judged:
        return plan.telling(f"{count} own answers of {target_model.name} are in {where}")
    _, right, _ = predictions.judged()
    for logger in loggers(UNTRAINED) if plan.to_make else ():
        logger.log_metrics({"predict/correct": sum(right) / max(1, len(right))})
    return plan.telling(f"{count} own answers of {target_model.name}, {sum(right)} of them right, are in {where}")
