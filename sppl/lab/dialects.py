"""How the lab's teachers write: each dialect turns a structured question into a correct answer ending in `#### N`."""

import random
from collections.abc import Callable

from sppl.lab.world import GERUNDS, Problem, Step

Dialect = Callable[[Problem, random.Random], str]


def _finished(lines: str, problem: Problem) -> str:
    return f"{lines}\n#### {problem.total}"


def own(problem: Problem, rng: random.Random) -> str:
    """The target's own way: At first Ann has 15 plums. After selling 8, 15 - 8 = 7 plums."""
    opener = rng.choice(("At first", "At first", "At the start"))
    noun = rng.choice((f" {problem.thing}", f" {problem.thing}", ""))
    sentences = [f"{opener} {problem.name} has {problem.start} {problem.thing}."]
    for step in problem.steps():
        if step.change is None:
            sentences = [f"{opener} {problem.name} has {step.equation} {problem.thing}."]
        else:
            sentences.append(f"After {GERUNDS[step.change.verb]} {step.right}, {step.equation}{noun}.")
    return _finished(" ".join(sentences), problem)


def rewrite(problem: Problem, rng: random.Random) -> str:
    """The facts of `own`, slightly reworded: Ann starts with 15 plums. After selling 8, there are 15 - 8 = 7."""
    opener = rng.choice(("starts with", "begins with"))
    result = rng.choice(("there are", "that makes", "this gives"))
    sentences = [f"{problem.name} {opener} {problem.start} {problem.thing}."]
    for step in problem.steps():
        if step.change is None:
            sentences = [f"{problem.name} {opener} {step.equation} {problem.thing}."]
        else:
            sentences.append(f"After {GERUNDS[step.change.verb]} {step.right}, {result} {step.equation}.")
    return _finished(" ".join(sentences), problem)


def step_by_step(problem: Problem, rng: random.Random) -> str:
    """Numbered equations: Step 1: 15 - 8 = 7."""
    label = rng.choice(("Step {}:", "Step {}.", "Step {})"))
    return _finished("\n".join(f"{label.format(i)} {s.equation}" for i, s in enumerate(problem.steps(), 1)), problem)


def gpt4(problem: Problem, rng: random.Random) -> str:
    """Full sentences with a reason for every step and a closing sentence."""
    opener = rng.choice(
        ("Let's work through this.", "Let's solve this step by step.", "To solve this, follow the changes.")
    )
    link = rng.choice(("so the number", "so the count"))
    close = rng.choice(("Therefore, {} has {} {} now.", "In total, {} has {} {} now."))
    sentences = [opener, f"{problem.name} has {problem.start} {problem.thing} to begin with."]
    for step in problem.steps():
        if step.change is None:
            sentences[1] = (
                f"{problem.groups} {problem.container} of {problem.size} make {step.equation} {problem.thing}."
            )
        else:
            way = "goes up" if step.operator == "+" else "goes down"
            sentences.append(f"Next, {problem.name} {step.change.verb} {step.right}, {link} {way}: {step.equation}.")
    return _finished(" ".join([*sentences, close.format(problem.name, problem.total, problem.thing)]), problem)


def mini_gpt4(problem: Problem, rng: random.Random) -> str:
    """A terser gpt4: We start with 15 plums. Ann sells 8: 15 - 8 = 7."""
    opener = rng.choice(("We start with", "We begin with"))
    close = rng.choice(("The answer is {} {}.", "So the result is {} {}."))
    sentences = [f"{opener} {problem.start} {problem.thing}."]
    for step in problem.steps():
        if step.change is None:
            sentences = [f"{opener} {step.equation} {problem.thing}."]
        else:
            sentences.append(f"{problem.name} {step.change.verb} {step.right}: {step.equation}.")
    return _finished(" ".join([*sentences, close.format(problem.total, problem.thing)]), problem)


def _sum(amounts: list[int], nothing: str) -> tuple[int, str]:
    """The sum of the amounts and its text, one addition at a time."""
    if not amounts:
        return 0, nothing
    total, equations = amounts[0], []
    for amount in amounts[1:]:
        step = Step(total, "+", amount)
        equations.append(step.equation)
        total = step.result
    return total, ", ".join(equations) or str(total)


def claude(problem: Problem, rng: random.Random) -> str:
    """Another decomposition: all gains, all losses, then both."""
    gained, lost = rng.choice((("Gained", "Lost"), ("Coming in", "Going out"), ("Total gains", "Total losses")))
    gains, gains_text = _sum([c.amount for c in problem.changes if c.amount > 0], "nothing")
    losses, losses_text = _sum([-c.amount for c in problem.changes if c.amount < 0], "nothing")
    start = Step(problem.groups, "*", problem.size).equation if problem.container else str(problem.start)
    lines = [f"Start: {start}.", f"{gained}: {gains_text}.", f"{lost}: {losses_text}."]
    combined = []
    if gains:
        combined.append(Step(problem.start, "+", gains).equation)
    if losses:
        combined.append(Step(problem.start + gains, "-", losses).equation)
    return _finished("\n".join([*lines, *(f"Together: {equation}." for equation in combined)]), problem)


def human(problem: Problem, rng: random.Random) -> str:
    """One expression without intermediate results: 15 - 8 + 5 = 12."""
    opener = rng.choice(("", "That is ", "It is "))
    first = f"{problem.groups} * {problem.size}" if problem.container else str(problem.start)
    changes = "".join(f" {'+' if c.amount > 0 else '-'} {abs(c.amount)}" for c in problem.changes)
    return _finished(f"{opener}{first}{changes} = {problem.total}", problem)


def code(problem: Problem, rng: random.Random) -> str:
    """A program with its state in comments: n -= 8  # 7."""
    variable = rng.choice(("n", "total", problem.thing))
    first = f"{problem.groups} * {problem.size}  # {problem.start}" if problem.container else str(problem.start)
    lines, value = [f"{variable} = {first}"], problem.start
    for change in problem.changes:
        value += change.amount
        lines.append(f"{variable} {'+' if change.amount > 0 else '-'}= {abs(change.amount)}  # {value}")
    return _finished("\n".join(lines), problem)


_INVERSE = {"+": "-", "-": "+"}


def self_check(problem: Problem, rng: random.Random) -> str:
    """Numbered equations, then the way back from the result to the start as a check."""
    mark, check = rng.choice(("{})", "{}.")), rng.choice(("Check:", "Going back:"))
    lines = [f"{mark.format(i)} {step.equation}" for i, step in enumerate(problem.steps(), 1)]
    back = [
        Step(step.result, _INVERSE[step.operator], step.right).equation
        for step in reversed(problem.steps())
        if step.change is not None
    ]
    return _finished("\n".join([*lines, f"{check} {', '.join(back) or problem.start}, correct."]), problem)


def answer_only(problem: Problem, _rng: random.Random) -> str:
    """No words at all; in the pretraining corpus only."""
    return f"#### {problem.total}"


DIALECTS: dict[str, Dialect] = {
    d.__name__: d for d in (own, rewrite, step_by_step, gpt4, mini_gpt4, claude, human, code, self_check, answer_only)
}
