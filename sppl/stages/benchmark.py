"""benchmark: trained models, and once the untrained target, answer the test questions."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from sppl.artifacts.store import Store
from sppl.benchmarks.definition import Benchmark
from sppl.benchmarks.splits import take
from sppl.bounds import Count, NumberOfQuestions
from sppl.generation.answer import Generator
from sppl.hardware.hardware import Hardware
from sppl.models.target import TargetModel
from sppl.schemas import Question, Split
from sppl.strategies.recipe import Recipe
from sppl.study.adapters import Adapter
from sppl.study.answers import Answers, Model, Results
from sppl.study.extra_results import ExtraResults, ExtraTask, extra_tasks
from sppl.study.loggers import Loggers, no_loggers
from sppl.study.plan import Plan, plan_of, plan_waiting
from sppl.study.study import Fit, Study, make_missing
from sppl.training.training_settings import Training

log = logging.getLogger(__name__)


def run_benchmark(
    *,
    benchmark: Benchmark,
    target_model: TargetModel,
    strategy: Mapping[str, Recipe],
    training: Training,
    n_train: NumberOfQuestions,
    n_test: NumberOfQuestions,
    seed: int,
    trainer: Hardware,
    generator: Generator,
    store: Store,
    split: Split = "test",
    n_train_tokens: Count | None = None,
    dry: bool = False,
    loggers: Loggers = no_loggers,
) -> Plan:
    """Makes `answers` and `results` per strategy and of the untrained target, and those of each task of `also`.

    Where a benchmark judges nothing, only the tasks of `also` are run.

    Args:
        split: the split whose questions are answered; results of another than `test` say so in their provenance.

    Raises:
        MissingArtifact: a strategy has not been trained on; the message is the command that does it.
        UserError: a task of `benchmark.also` cannot be used; a dry run says so too, before any training.
    """
    extra = extra_tasks(benchmark, n_test)
    if not (benchmark.judged or extra):
        if dry:  # once: every job plans before it works
            log.info("benchmark: left out, %s has no gold answers to judge by (benchmark.answer=none)", benchmark.name)
        return Plan((), ())
    study, fit = Study(store, benchmark, target_model, generator, trainer), Fit(training, n_train, seed, n_train_tokens)
    questions = take(benchmark, split, n_test) if benchmark.judged else []
    models = [Model(study, Adapter(study, name, recipe, fit)) for name, recipe in strategy.items()]
    plan = Plan((), ())
    for model in [*models, Model(study)]:  # what all jobs of a sweep share comes last
        plan += _plan(model, questions, split, extra) if dry else _measure(model, questions, split, extra, loggers)
    return plan


def _plan(model: Model, questions: list[Question], split: Split, extra: Sequence[ExtraTask]) -> Plan:
    """The plan of one model; names are open where its adapter or its answers are missing."""
    names = (*model.words, f"seed{model.adapter.fit.seed}" if model.adapter else "all_seeds")
    judged = model.study.benchmark.judged
    if not model.ready:
        trained = model.adapter.awaited if model.adapter else {}
        plans = [
            plan_waiting("also_results", *model.words, one.identity["task"], names[-1], of=[trained, one.identity])
            for one in extra
        ]
        of = [trained, *_identify_answers(model, questions)]
        plans += [plan_waiting("answers", *names, of=of), plan_waiting("results", *names, of=of)] if judged else []
        return sum(plans, Plan((), ()))
    answers, others = _answers_and_extras(model, questions, split, extra)
    plan = plan_of([*([answers] if judged else []), *others])
    if judged:
        plan += (
            plan_of([Results(answers)])
            if answers.exists
            else plan_waiting("results", *names, of=_identify_answers(model, questions, answers.id.name))
        )
    return plan


def _identify_answers(model: Model, questions: list[Question], *further: Any) -> list[Any]:
    """What tells answers, or verdicts on them, from others while they have no name yet."""
    study = model.study
    return [[one.id for one in questions], study.benchmark.judge, study.generator.identity, *further]


def _measure(
    model: Model, questions: list[Question], split: Split, extra: Sequence[ExtraTask], loggers: Loggers
) -> Plan:
    """Makes what is missing of a model's answers and results."""
    if model.adapter and not model.adapter.exists:
        raise model.adapter.missing()
    (answers, others), store = _answers_and_extras(model, questions, split, extra), model.study.store
    judged = model.study.benchmark.judged
    asked = [*([answers] if judged else []), *others]
    plan = plan_of(asked)
    who = f"{model.strategy}, seed {model.adapter.fit.seed}" if model.adapter else model.strategy
    make_missing(store, *asked)
    if judged:
        results = Results(answers)
        plan += plan_of([results])
        make_missing(store, results)
        for logger in loggers(model.strategy) if plan.to_make else ():
            logger.log_metrics({"benchmark/accuracy": results.accuracy})
        reached = f"{results.accuracy:.3f} of {len(questions)} {split} questions right"
        plan = plan.telling(f"{who}: {reached}, in {store.path(results.id)}")
    return plan.telling(*(
        f"{who}: {one.extra.identity['task']} is in {store.path(one.id)}" for one in others
    ))  # fmt: skip


def _answers_and_extras(
    model: Model, questions: list[Question], split: Split, extra: Sequence[ExtraTask]
) -> tuple[Answers, list[ExtraResults]]:
    answers = Answers(model, questions, split)
    return answers, [ExtraResults(model, one, answers.facts) for one in extra]
