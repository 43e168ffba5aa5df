"""benchmark: trained models, and once the untrained target, answer the test questions."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sppl.benchmarks.benchmark import Benchmark
from sppl.models.target import TargetModel, frozen
from sppl.models.trained import TrainedModels
from sppl.modules.training import Training
from sppl.stages.leaves import UNTRAINED, Plan, adapter_leaf, results_leaf, setup_of, take
from sppl.stages.responses import training_data, training_data_is_there
from sppl.store import Leaf, MissingArtefact, Store
from sppl.strategies.recipe import Recipe

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

    from sppl.schemas import Question


def run_benchmark(
    *,
    benchmark: Benchmark,
    target_model: TargetModel,
    strategy: Mapping[str, Recipe],
    training: Training,
    n_train: int | str,
    n_test: int | str,
    seed: int,
    batch_size: int,
    device: str,
    store: Store,
    dry: bool = False,
    loggers: Sequence["Logger"] = (),
) -> Plan:
    """Makes one `results` leaf per strategy and one of the untrained target.

    Raises:
        MissingArtefact: a strategy has not been trained on; the message is the command that does it.
    """
    test = take(benchmark, "test", n_test)
    train = take(benchmark, "train", n_train)
    models = TrainedModels(target_model)
    found, to_make = [], []
    for name, recipe in [(UNTRAINED, None), *strategy.items()]:
        adapter = None
        if recipe is not None:
            if dry and not training_data_is_there(store, benchmark, recipe, training, n_train):
                to_make.append(name)
                continue
            examples, held_out = training_data(store, benchmark, recipe, training, n_train)
            adapter = adapter_leaf(
                store, benchmark, target_model, strategy=name, training=training, seed=seed,
                examples=examples, validation=held_out,
            )  # fmt: skip
            if not store.exists(adapter):
                if dry:
                    to_make.append(name)
                    continue
                raise MissingArtefact(
                    f"{target_model.name} has not been trained on {name} for {benchmark.name} with seed {seed}; "
                    f"train it: python run.py stage=finetune benchmark={benchmark.name} "
                    f"target_model={target_model.name} strategy={name} seed={seed}"
                )
        leaf = results_leaf(store, benchmark, target_model, strategy=name, adapter=adapter, test=test)
        (found if store.exists(leaf) else to_make).append(leaf.name)
        if dry:
            continue
        with store.making(leaf) as missing:
            if missing:
                facts = {"setup": setup_of(training, len(train)), "seed": seed} if adapter else {"setup": {}, "seed": 0}
                _evaluate(store, leaf, models, adapter, benchmark, test, batch_size, device, facts)
        accuracy = store.provenance(leaf)["accuracy"]
        for logger in loggers:
            logger.log_metrics({f"benchmark/{name}/accuracy": accuracy})
    return Plan(tuple(found), tuple(to_make))


def _evaluate(
    store: Store,
    leaf: Leaf,
    models: TrainedModels,
    adapter: Leaf | None,
    benchmark: Benchmark,
    test: Sequence["Question"],
    batch_size: int,
    device: str,
    facts: Mapping[str, object],
) -> None:
    from sppl.benchmarks.harness import evaluate

    start, target = time.perf_counter(), models.target
    model = models.load(store.whole(adapter)) if adapter else frozen(target)
    frame = evaluate(
        model,
        target.tokenizer(),
        benchmark.task_file,
        test,
        max_new_tokens=benchmark.max_new_tokens,
        batch_size=batch_size,
        device=device,
    )
    accuracy = float(frame["correct"].mean())
    inputs = {adapter.name: store.digest(adapter)} if adapter else {}
    store.write(leaf, frame, inputs, time.perf_counter() - start, accuracy=accuracy, **facts)
