"""Results of pilots (short trainings on few responses), which some metrics need and other stages make."""

from collections.abc import Mapping, Sequence
from typing import cast

from sppl.artifacts.store import MissingArtifact
from sppl.benchmarks.definition import Benchmark
from sppl.benchmarks.splits import take
from sppl.commands import command
from sppl.metrics.needs import Metric, Outcomes, table_needs
from sppl.schemas import UserError
from sppl.strategies.recipe import Recipe
from sppl.study.adapters import Adapter
from sppl.study.answers import Answers, Model, Results
from sppl.study.study import Fit, Study
from sppl.study.wanted_tables import Pieces


def pilots_of(metric: Mapping[str, Metric]) -> list[Outcomes]:
    """Returns the pilots that metrics need."""
    return [cast("Outcomes", need) for need in table_needs(metric.values()) if need.trained]


def pilot_results(study: Study, strategy: Mapping[str, Recipe], metric: Mapping[str, Metric]) -> Pieces:
    """Returns the results of pilots that metrics need of every strategy.

    Raises:
        MissingArtifact: results are missing; the message is the command that makes them.
    """
    pieces: dict = {}
    for need in pilots_of(metric):
        found = {name: _results(study, name, recipe, need) for name, recipe in strategy.items()}
        if missing := [name for name, results in found.items() if results is None]:
            raise pilots_missing(study, missing, need)
        pieces |= {(name, need): [results] for name, results in found.items()}
    return pieces


def _results(study: Study, name: str, recipe: Recipe, need: Outcomes) -> Results | None:
    """The results of one strategy's pilot; None where something is missing."""
    model = Model(study, Adapter(study, name, recipe, Fit(need.training, need.n_train, need.seed)))
    if not model.ready:
        return None
    answers = Answers(model, take(study.benchmark, "test", need.n_test))
    results = Results(answers) if answers.exists else None
    return results if results and results.exists else None


def refuse_unjudged(benchmark: Benchmark, metric: Mapping[str, Metric]) -> None:
    """Refuses metrics that compare accuracies where no answer is judged.

    Raises:
        UserError: there is such a metric.
    """
    if not benchmark.judged and pilots_of(metric):
        raise UserError(
            f"train_then_test compares accuracies, and {benchmark.name} has no gold answers to judge by "
            "(benchmark.answer=none); leave it out of `metric`"
        )


def pilots_missing(study: Study, names: Sequence[str], need: Outcomes) -> MissingArtifact:
    """Returns the error whose message is the command that makes the results."""
    listed, (benchmark, target) = ",".join(names), study.words
    sizes = (f"n_train={need.n_train}", f"n_test={need.n_test}", f"seed={need.seed}")
    return MissingArtifact(
        f"{target} has not been trained on {need.n_train} responses of {listed} for {benchmark} and tested, "
        "with these settings of the trainer. Leave train_then_test out of `metric`, or do it: "
        + command(study.store.job, "stage=[generate,finetune,benchmark]", *sizes)
    )
