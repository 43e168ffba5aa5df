"""generate: the benchmark's response source answers the training questions by each strategy's recipe."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sppl.benchmarks.benchmark import Benchmark
from sppl.schemas import Asking, Estimate, Question, UserError
from sppl.stages.leaves import Plan, take
from sppl.stages.none_right import warn_if_none_is_right
from sppl.stages.responses import known_responses, make_responses, parts_of
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
    max_cost: float = 0.0,
    confirm: bool = False,
    store: Store,
    dry: bool = False,
    loggers: Sequence["Logger"] = (),
) -> Plan:
    """Makes the `responses` of every strategy to the first max(n_score, n_train) training questions.

    Args:
        max_cost: US dollars that may be spent without `confirm`, all strategies of this job together.

    Raises:
        UserError: asking teachers would cost more than `max_cost` or an unknown sum, and `confirm` is not set; or the
            source has no responses of a strategy; the message lists those it has.
    """
    everything = take(benchmark, "train", n_train)
    questions = everything if n_train == "all" or n_score <= len(everything) else take(benchmark, "train", n_score)
    parts = _parts(store, benchmark, strategy, questions)
    missing = {name: _missing(store, benchmark, recipe, questions) for name, recipe in strategy.items()}
    estimates = _estimates(benchmark, strategy, missing, parts)
    found = tuple(name for name in strategy if not missing[name])
    to_make = tuple(_line(name, len(missing[name]), estimates) for name in strategy if missing[name])
    to_make += tuple(f"{name} ({estimates[name]})" for name in parts if name in estimates)
    if not dry:
        _check_cost(estimates, max_cost, confirm=confirm)
        for recipe, own in parts.values():
            make_responses(store, benchmark, recipe, own)
    for name, recipe in sorted(strategy.items(), key=lambda item: bool(item[1].of)) if not dry else ():
        if missing[name]:
            make_responses(store, benchmark, recipe, questions)
        correct = known_responses(store, benchmark, recipe, questions)["correct"].mean()
        for logger in loggers:
            logger.log_metrics({f"generate/{name}/correct": float(correct)})
    if not dry:
        warn_if_none_is_right(store, benchmark, strategy, questions)
    return Plan(found, to_make)


def _missing(store: Store, benchmark: Benchmark, recipe: Recipe, questions: Sequence[Question]) -> list[Question]:
    known = set(known_responses(store, benchmark, recipe, questions)["question_id"])
    return [question for question in questions if question.id not in known]


def _parts(
    store: Store, benchmark: Benchmark, strategy: Mapping[str, Recipe], questions: Sequence[Question]
) -> dict[str, tuple[Recipe, list[Question]]]:
    """What derived strategies take their responses from and is not there yet, where nobody asks for it by itself."""
    parts: dict[str, tuple[Recipe, list[Question]]] = {}
    for name, recipe in strategy.items():
        if recipe.of and _missing(store, benchmark, recipe, questions):
            for part, own in parts_of(recipe, questions).items():
                missing = _missing(store, benchmark, recipe.of[part], own)
                if missing and strategy.get(part) != recipe.of[part]:
                    parts[f"{part} for {name}"] = (recipe.of[part], missing)
    return parts


def _estimates(
    benchmark: Benchmark,
    strategy: Mapping[str, Recipe],
    missing: Mapping[str, list[Question]],
    parts: Mapping[str, tuple[Recipe, list[Question]]],
) -> dict[str, Estimate]:
    source = benchmark.responses
    if not isinstance(source, Asking):
        return {}
    wanted = {name: (recipe, missing[name]) for name, recipe in strategy.items()} | dict(parts)
    return {
        name: source.estimate(recipe, questions)
        for name, (recipe, questions) in wanted.items()
        if questions and not (recipe.given or recipe.of)
    }


def _line(name: str, n: int, estimates: Mapping[str, Estimate]) -> str:
    return f"{name} ({estimates[name]})" if name in estimates else f"{name} ({n} responses)"


def _check_cost(estimates: Mapping[str, Estimate], max_cost: float, *, confirm: bool) -> None:
    """Nothing that costs more than was allowed starts unasked."""
    costs = [one.cost for one in estimates.values() if one.requests]
    total, unknown = sum(cost or 0.0 for cost in costs), None in costs
    if confirm or (total <= max_cost and not unknown):
        return
    said = "; ".join(f"{name}: {one}" for name, one in estimates.items())
    dear = "an unknown sum" if unknown else f"about ${total:.2f}"
    raise UserError(
        f"generate would cost {dear} (max_cost={max_cost:g}): {said}. Wrong answers are asked for again, which costs "
        "more. To go on: the same command with confirm=true, or with a higher max_cost"
    )
