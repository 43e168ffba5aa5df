"""benchmark: trained models, and once the untrained target, answer the test questions."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sppl.artifacts.store import Leaf, MissingArtefact, Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.commands import command
from sppl.generation.answer import Generator, answered, prompts_of
from sppl.hardware.hardware import Hardware
from sppl.models.target import TargetModel
from sppl.schemas import Split, UserError
from sppl.stages.leaves import (
    UNTRAINED,
    Plan,
    adapter_leaf,
    also_leaf,
    answers_leaf,
    results_leaf,
    setup_of,
    sources,
    take,
)
from sppl.stages.responses import training_data, training_data_is_there
from sppl.stages.verdicts import verdicts_behind, verdicts_on
from sppl.strategies.recipe import Recipe
from sppl.training.training_settings import Training

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

    from sppl.benchmarks.further import Further
    from sppl.schemas import Question


log = logging.getLogger(__name__)

BATCH = 64
"""Of lm-eval, which makes it smaller by itself where memory is short."""


def run_benchmark(
    *,
    benchmark: Benchmark,
    target_model: TargetModel,
    strategy: Mapping[str, Recipe],
    training: Training,
    n_train: int | str,
    n_test: int | str,
    seed: int,
    trainer: Hardware,
    generator: Generator,
    store: Store,
    split: Split = "test",
    dry: bool = False,
    loggers: Sequence["Logger"] = (),
) -> Plan:
    """Makes `answers` and `results` per strategy and of the untrained target, and a leaf per task of `also`.

    Of a benchmark that judges nothing only the latter.

    Args:
        split: whose questions are answered; results of another than the test's say so in their provenance.

    Raises:
        MissingArtefact: a strategy has not been trained on; the message is the command that does it.
        UserError: a task of `benchmark.also` cannot be used; said by a dry run too, so before any training.
    """
    also = _also(benchmark, n_test)
    if not (benchmark.judged or also):
        if dry:  # once: every job plans before it works
            log.info("benchmark: left out, %s has no gold answers to judge by (benchmark.answer=none)", benchmark.name)
        return Plan((), ())
    test = take(benchmark, split, n_test) if benchmark.judged else []
    train = take(benchmark, "train", n_train)
    found, to_make = [], []
    for name, recipe in [*strategy.items(), (UNTRAINED, None)]:  # what all jobs of a sweep share comes last
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
                    f"train it: " + command(store.job, "stage=[finetune]", f"n_train={n_train}", f"seed={seed}")
                )
        leaf = answers_leaf(
            store, benchmark, target_model, strategy=name, adapter=adapter, test=test, generator=generator
        )
        asked: dict[Leaf, Sequence[Question] | Further] = {leaf: test} if benchmark.judged else {}
        for task, identity in also.items():
            one = also_leaf(store, benchmark, target_model, strategy=name, adapter=adapter, task=identity)
            asked[one] = task
        for one in asked:
            (found if store.exists(one) else to_make).append(one.name)
        if dry:
            if benchmark.judged and store.exists(leaf):
                judged = results_leaf(store, benchmark, leaf, test)
                (found if store.exists(judged) else to_make).append(judged.name)
            continue
        facts = {"setup": setup_of(training, len(train)), "seed": seed} if adapter else {"setup": {}, "seed": 0}
        facts |= {} if split == "test" else {"split": split}
        with store.making(*asked) as missing:
            for one in missing:
                _evaluate(store, one, target_model, adapter, benchmark, asked[one], trainer, generator, facts)
        if not benchmark.judged:
            continue
        judged = results_leaf(store, benchmark, leaf, test)
        (found if store.exists(judged) else to_make).append(judged.name)
        with store.making(judged) as missing:
            if missing:
                _judge(store, judged, leaf, benchmark, test, facts)
        accuracy = store.provenance(judged)["accuracy"]
        for logger in loggers:
            logger.log_metrics({f"benchmark/{name}/accuracy": accuracy})
    return Plan(tuple(found), tuple(to_make))


def _evaluate(
    store: Store,
    leaf: Leaf,
    target: TargetModel,
    adapter: Leaf | None,
    benchmark: Benchmark,
    asked: "Sequence[Question] | Further",
    trainer: Hardware,
    generator: Generator,
    facts: Mapping[str, object],
) -> None:
    """A model answers the test questions, or a further task's, and the leaf is written."""
    from sppl.benchmarks.further import Further

    start, folder = time.perf_counter(), store.whole(adapter) if adapter else None
    if isinstance(asked, Further):
        frame, said = _ask_further(asked, benchmark, target, folder, trainer)
    else:
        answering = generator.open(target, trainer, store.parts(leaf))
        made = answering.answer(
            prompts_of(asked),
            max_new_tokens=benchmark.max_new_tokens,
            trained=folder,
            overlong=benchmark.overlong,
            what=f"benchmark {leaf.words[2]}",
        )
        questions, made, left_out = answered(asked, made, f"benchmark {leaf.words[2]}")
        texts = [one.text for one in made]
        frame = pd.DataFrame({"question_id": [q.id for q in questions], "answer": texts})
        said = {"cut": sum(not one.ended for one in made), "overlong": left_out, **answering.facts()}
    inputs = {adapter.name: store.digest(adapter)} if adapter else {}
    inputs |= sources(benchmark, asked if isinstance(asked, Sequence) else (), target)
    store.write(leaf, frame, inputs, time.perf_counter() - start, **said, **facts)
    store.clear_parts(leaf)


def _judge(
    store: Store,
    leaf: Leaf,
    answers: Leaf,
    benchmark: Benchmark,
    test: "Sequence[Question]",
    facts: Mapping[str, object],
) -> None:
    """The benchmark's rule judges the answers, and the results are written."""
    start, frame = time.perf_counter(), store.read(answers)
    by_id = {question.id: question for question in test}
    own, texts = [by_id[id_] for id_ in frame["question_id"]], frame["answer"].tolist()
    whose = ("_".join(("results", *answers.words[1:])),)
    frame["correct"] = verdicts_on(store, benchmark, whose, own, texts, {answers.name: store.digest(answers)})
    behind = verdicts_behind(store, benchmark, whose, own, texts)
    inputs = {answers.name: store.digest(answers), **behind}
    said = {key: value for key, value in store.provenance(answers).items() if key in ("cut", "overlong")}
    accuracy = float(frame["correct"].mean())
    store.write(leaf, frame, inputs, time.perf_counter() - start, accuracy=accuracy, **said, **facts)


def _ask_further(
    task: "Further", benchmark: Benchmark, target: TargetModel, folder: Path | None, trainer: Hardware
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """What a model does on one of lm-eval's own tasks, which asks it in ways of its own."""
    from sppl.data.tokens import rendering_of
    from sppl.generation.ends import end_tokens
    from sppl.generation.own_settings import say_ignored, within_generate
    from sppl.hardware.device import Facts, place
    from sppl.scoring.checks import check_model
    from sppl.training.trained import trained_model

    model = place(trained_model(target, folder), trainer.device)
    check_model(model)
    facts, rendering = Facts(model, trainer.device), rendering_of(target.tokenizer(), target.asking)
    ends, followed = end_tokens(rendering, model.generation_config), target.generation == "model"
    say_ignored(target.name, model.generation_config, followed=followed)
    with within_generate(model, ends, followed=followed):
        frame, figures, left_out = task.evaluate(
            model, rendering, batch_size=BATCH, device=str(trainer.device), overlong=benchmark.overlong
        )
    return frame, {"figures": figures, "overlong": left_out, **facts.notes()}


def _also(benchmark: Benchmark, n_test: int | str) -> "dict[Further, dict[str, Any]]":
    """The tasks of `benchmark.also`, each with what its figures depend on."""
    if not benchmark.also:
        return {}
    from sppl.benchmarks.further import Further

    tasks = [Further(given, None if n_test == "all" else int(n_test)) for given in benchmark.also]
    found = {task: task.identity() for task in tasks}
    names = [identity["task"] for identity in found.values()]
    if len(names) < len(tasks) or len(set(names)) < len(names):
        raise UserError(f"benchmark.also names a task twice: {', '.join(names)}")
    return found
