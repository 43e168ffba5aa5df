"""predict: the untrained target answers questions itself; its correct answers are the pool of examples."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sppl.artifacts.store import Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.generation.answer import Generator, answered, prompts_of
from sppl.hardware.hardware import Hardware
from sppl.models.target import TargetModel
from sppl.stages.leaves import Plan, predictions_leaf, sources, take
from sppl.stages.pool import judged_predictions

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
    """Makes the `predictions` leaf: answers to the first `n_predict` training questions, judged by the task.

    They are greedy, or sampled as `benchmark.sampling` says.
    """
    leaf = predictions_leaf(store, benchmark, target_model, n_predict, generator)
    plan = Plan((leaf.name,), ()) if store.exists(leaf) else Plan((), (leaf.name,))
    if dry:
        return plan
    with store.making(leaf) as missing:
        if missing:
            start = time.perf_counter()
            questions = take(benchmark, "train", n_predict)
            answers = generator.open(target_model, trainer, store.parts(leaf))
            made = answers.answer(
                prompts_of(questions), max_new_tokens=benchmark.max_new_tokens, sampling=benchmark.sampling,
                overlong=benchmark.overlong, what="predict",
            )  # fmt: skip
            questions, made, left_out = answered(questions, made, "predict")
            ids = [question.id for question in questions]
            frame = pd.DataFrame({"question_id": ids, "prediction": [answer.text for answer in made]})
            notes = {"cut": sum(not one.ended for one in made), "overlong": left_out}
            inputs = sources(benchmark, questions, target_model)
            store.write(leaf, frame, inputs, time.perf_counter() - start, **notes, **answers.facts())
            store.clear_parts(leaf)
    if not benchmark.judged:
        return plan
    _, right, _ = judged_predictions(store, leaf, benchmark, take(benchmark, "train", n_predict))
    for logger in loggers:
        logger.log_metrics({"predict/correct": sum(right) / max(1, len(right))})
    return plan
