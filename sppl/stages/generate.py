"""generate: the benchmark's response source answers the training questions by each strategy's recipe."""

import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sppl.artifacts.store import Store
from sppl.benchmarks.definition import Benchmark
from sppl.benchmarks.splits import take
from sppl.bounds import Count, NotNegative, NumberOfQuestions
from sppl.schemas import Estimate, PaidSource, Question, UserError
from sppl.strategies.recipe import Recipe
from sppl.study.derived import parts_of
from sppl.study.loggers import Loggers, no_loggers
from sppl.study.plan import Plan, ResponseCounts
from sppl.study.responses import Responses
from sppl.study.rule_warnings import warn_if_none_is_right
from sppl.study.spending import describe_spending, dollars
from sppl.teachers.budget import Budget, LimitReached, spent_file

log = logging.getLogger(__name__)


def generate(
    *,
    benchmark: Benchmark,
    strategy: Mapping[str, Recipe],
    n_score: Count,
    n_train: NumberOfQuestions,
    max_cost: NotNegative = 0.0,
    confirm: bool = False,
    command: str | None = None,
    store: Store,
    dry: bool = False,
    loggers: Loggers = no_loggers,
) -> Plan:
    """Makes the `responses` of every strategy to the first max(n_score, n_train) training questions.

    Args:
        max_cost: US dollars that teachers may cost, all jobs of a command together: no request is sent that could
            lead beyond. Where a price is not known there is no such limit.
        confirm: begin although the estimate is above `max_cost` (and stop there), or a price is not known.
        command: names the sweep whose jobs share `max_cost`; None: this job has it for itself.

    Raises:
        UserError: asking teachers would cost more than `max_cost` or an unknown sum, and `confirm` is not set;
            `max_cost` was reached; a teacher did not answer; or the source has no responses of a strategy. What was
            answered is kept.
    """
    everything = take(benchmark, "train", n_train)
    questions = everything if n_train == "all" or n_score <= len(everything) else take(benchmark, "train", n_score)
    wanted = {name: Responses(store, benchmark, recipe, questions) for name, recipe in strategy.items()}
    parts = _parts(wanted)
    missing = {name: one.missing() for name, one in wanted.items()}
    estimates = _estimates(benchmark, wanted, missing, parts)
    found = tuple(name for name in strategy if not missing[name])
    to_make = tuple(_describe_missing(name, len(missing[name]), estimates) for name in strategy if missing[name])
    to_make += tuple(_describe_missing(name, len(one.questions), estimates) for name, one in parts.items())
    asked = {
        one.folder: _count_responses(len(one.questions), len(left), estimates.get(name))
        for name, one, left in [
            *((name, one, missing[name]) for name, one in wanted.items()),
            *((name, one, one.questions) for name, one in parts.items()),
        ]
    }
    plan = sum((_chosen_by(one) for name, one in wanted.items() if missing[name]), Plan(found, to_make, asked))
    if dry:
        return plan
    budget = Budget(max_cost, spent_file(store.root, command) if command else None)
    if isinstance(benchmark.responses, PaidSource):
        benchmark = replace(benchmark, responses=benchmark.responses.within(budget))
        wanted = {name: replace(one, benchmark=benchmark) for name, one in wanted.items()}
        parts = {name: replace(one, benchmark=benchmark) for name, one in parts.items()}
    _check_cost(estimates, budget, confirm=confirm)
    try:
        for one in [*parts.values(), *(replace(wanted[name], questions=own) for name, own in missing.items() if own)]:
            one.begin()  # so that all their batches run at the same time
        for one in parts.values():
            one.make()
        for name, one in sorted(wanted.items(), key=lambda item: bool(item[1].recipe.of)):
            if not missing[name]:
                continue
            one.make()
            right = list(one.right().values()) if benchmark.judged else []
            for logger in loggers(name) if benchmark.judged else ():
                logger.log_metrics({"generate/correct": sum(right) / max(1, len(right))})
    except LimitReached as reached:
        left = {name: one.missing() for name, one in wanted.items()}
        raise _limit_error(budget, reached, _estimates(benchmark, wanted, left, parts)) from None
    finally:  # whatever the end is: a signal's too
        for bill in budget.bills.values():
            if bill.answers or bill.failed:
                log.info("bill of this job: %s", describe_spending([bill.usage()]))
    warn_if_none_is_right(wanted)
    root = Path(store.root, "responses", benchmark.name)
    return plan.telling(*(
        f"{name}: {len(one.known())} responses are in {root / one.folder}" for name, one in wanted.items()
    ))  # fmt: skip


def _parts(wanted: Mapping[str, Responses]) -> dict[str, Responses]:
    """Missing responses that derived strategies need of strategies which are not part of this command."""
    parts: dict[str, Responses] = {}
    for name, one in wanted.items():
        if one.recipe.of and one.missing():
            shares, others = parts_of(one.recipe, one.questions), one.parts()
            for part, own in shares.items():
                missing = replace(others[part], questions=own).missing()
                asked = wanted[part].recipe if part in wanted else None
                if missing and asked != others[part].recipe:
                    parts[f"{part} for {name}"] = replace(others[part], questions=missing)
    return parts


def _chosen_by(responses: Responses) -> Plan:
    """The plan of the tables by which a derived strategy chooses the best of other strategies' responses."""
    best = responses.recipe.best
    return best.plan(responses.parts()) if best else Plan((), ())


def _estimates(
    benchmark: Benchmark,
    wanted: Mapping[str, Responses],
    missing: Mapping[str, list[Question]],
    parts: Mapping[str, Responses],
) -> dict[str, Estimate]:
    source = benchmark.responses
    if not isinstance(source, PaidSource):
        return {}
    asked = {name: (one.recipe, missing[name]) for name, one in wanted.items()}
    asked |= {name: (one.recipe, list(one.questions)) for name, one in parts.items()}
    return {
        name: source.estimate(recipe, questions)
        for name, (recipe, questions) in asked.items()
        if questions and not (recipe.given or recipe.of)
    }


def _describe_missing(name: str, n: int, estimates: Mapping[str, Estimate]) -> str:
    return f"{name} ({estimates[name]})" if name in estimates else f"{name} ({n} responses)"


def _count_responses(n: int, missing: int, estimate: Estimate | None) -> ResponseCounts:
    return (
        ResponseCounts(n - missing, missing, estimate.requests, estimate.cost)
        if estimate
        else ResponseCounts(n - missing, missing)
    )


def _check_cost(estimates: Mapping[str, Estimate], budget: Budget, *, confirm: bool) -> None:
    """Refuses to start anything that could cost more than was allowed, unless it is confirmed."""
    costs = [one.cost for one in estimates.values() if one.requests]
    total, unknown, taken = sum(cost or 0.0 for cost in costs), None in costs, budget.taken
    if confirm or not costs or (total + taken <= budget.limit and not unknown):
        return
    said = "; ".join(f"{name}: {one}" for name, one in estimates.items())
    price = "an unknown sum" if unknown else f"about {dollars(total)}"
    price += f", and {dollars(taken)} are spent by other jobs of this command" if taken else ""
    if unknown:
        begin = (
            "Without its price (teacher.NAME.input_price and output_price) max_cost cannot limit what a teacher costs. "
            "To begin all the same"
        )
    else:
        enough = _round_up(taken + _most_cost(estimates))
        begin = f"To go on: the same command with max_cost={enough}. To buy what max_cost={budget.limit:g} allows"
    raise UserError(
        f"generate would cost {price} (max_cost={budget.limit:g}): {said}. Wrong answers are asked for again, which "
        f"costs more. {begin}: the same command with confirm=true"
    )


def _limit_error(budget: Budget, reached: LimitReached, left: Mapping[str, Estimate]) -> UserError:
    """The error at `max_cost`: what was spent, what is missing, and how to go on."""
    said = "; ".join(f"{name}: {one}" for name, one in left.items() if one.requests)
    said = said or f"{reached.left} further answers where the first are wrong"
    enough = _round_up(max(_most_cost(left), reached.worst * max(1, reached.left)))
    return UserError(
        f"max_cost={budget.limit:g} is reached: {dollars(budget.taken)} are spent, and the next request could cost up "
        f"to {dollars(reached.worst)}. What was answered is kept and not asked for again. Still missing: {said}. To go "
        f"on: the same command with max_cost={enough}, which is enough for one answer each, however long"
    )


def _most_cost(estimates: Mapping[str, Estimate]) -> float:
    return sum(one.most for one in estimates.values())


def _round_up(amount: float) -> str:
    """An amount in US dollars rounded up to two digits, as a limit that allows it."""
    unit = 10.0 ** (math.floor(math.log10(amount)) - 1) if amount > 0 else 0.01
    return f"{math.ceil(amount / unit) * unit:.10g}" if amount > 0 else "0.01"
