"""What training on few responses gave, read from the store: the leaves, their cost, and the command that makes them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sppl.artifacts.store import Leaf, MissingArtefact, Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.commands import command
from sppl.generation.answer import Generator
from sppl.metrics.needs import Metric, Outcomes, Table, table_needs
from sppl.models.target import TargetModel
from sppl.schemas import UserError
from sppl.stages.leaves import adapter_leaf, answers_leaf, results_leaf, take
from sppl.stages.responses import training_data, training_data_is_there
from sppl.stages.tables import Pieces
from sppl.strategies.recipe import Recipe


def pilot_leaf(
    store: Store,
    benchmark: Benchmark,
    target: TargetModel,
    name: str,
    recipe: Recipe,
    need: Outcomes,
    generator: Generator,
) -> Leaf | None:
    """The results of the target trained on few of a strategy's responses; None where something is missing."""
    if not training_data_is_there(store, benchmark, recipe, need.training, need.n_train):
        return None
    examples, held_out = training_data(store, benchmark, recipe, need.training, need.n_train)
    adapter = adapter_leaf(
        store, benchmark, target, strategy=name, training=need.training, seed=need.seed,
        examples=examples, validation=held_out,
    )  # fmt: skip
    if not store.exists(adapter):
        return None
    test = take(benchmark, "test", need.n_test)
    answers = answers_leaf(store, benchmark, target, strategy=name, adapter=adapter, test=test, generator=generator)
    if not store.exists(answers):
        return None
    leaf = results_leaf(store, benchmark, answers, test)
    return leaf if store.exists(leaf) else None


def pilot_leaves(
    store: Store,
    benchmark: Benchmark,
    target: TargetModel,
    strategy: Mapping[str, Recipe],
    metric: Mapping[str, Metric],
    generator: Generator,
) -> Pieces:
    """The results that metrics need of every strategy.

    Raises:
        MissingArtefact: results are missing; the message is the command that makes them.
    """
    found: dict[tuple[str, Table], list[Leaf]] = {}
    for need in table_needs(metric.values()):
        if not isinstance(need, Outcomes):
            continue
        leaves = {
            name: pilot_leaf(store, benchmark, target, name, recipe, need, generator)
            for name, recipe in strategy.items()
        }
        missing = [name for name, leaf in leaves.items() if leaf is None]
        if missing:
            raise pilots_missing(store, benchmark, target, missing, need)
        found |= {(name, need): [leaf] for name, leaf in leaves.items() if leaf is not None}
    return found


def refuse_unjudged(benchmark: Benchmark, metric: Mapping[str, Metric]) -> None:
    """Refuses metrics that compare accuracies where no answer is judged.

    Raises:
        UserError: there is such a metric.
    """
    if not benchmark.judged and any(isinstance(need, Outcomes) for need in table_needs(metric.values())):
        raise UserError(
            f"train_then_test compares accuracies, and {benchmark.name} has no gold answers to judge by "
            "(benchmark.answer=none); leave it out of `metric`"
        )


def pilots_missing(
    store: Store, benchmark: Benchmark, target: TargetModel, names: Sequence[str], need: Outcomes
) -> MissingArtefact:
    """The error whose message is the command that makes the results."""
    listed = ",".join(names)
    sizes = (f"n_train={need.n_train}", f"n_test={need.n_test}", f"seed={need.seed}")
    return MissingArtefact(
        f"{target.name} has not been trained on {need.n_train} responses of {listed} for {benchmark.name} and tested, "
        "with these settings of the trainer. Leave train_then_test out of `metric`, or do it: "
        + command(store.job, "stage=[generate,finetune,benchmark]", *sizes)
    )


def pilot_facts(store: Store, leaf: Leaf) -> Mapping[str, Any]:
    """What a pilot cost, as scoring would tell it: per response trained on, in passes over question and response.

    An epoch reads every response forward and backward, three passes; an answer to a test question is one pass.
    """
    results = store.provenance(leaf)
    answered = [store.provenance(store.open(name)) for name in results["inputs"] if name.startswith("answers/")]
    trained = [store.provenance(store.open(name)) for one in answered for name in one["inputs"] if store.holds(name)]
    setup, n_test = results["setup"], results["rows"]
    responses = setup["n_train"]
    passes = 3 * setup["epochs"] + n_test / responses
    seconds = results["seconds"] + sum(one["seconds"] for one in (*answered, *trained))
    return {"responses": responses, "passes": passes, "seconds": seconds}
