"""Makes 200 conversations of three strategies that use a calculator, in the lab's world, and a target that writes them.

    python experiments/conversations/make.py

`outputs/conversations/data` gets one file per strategy and 40 test conversations that wait for the last answer,
`outputs/conversations/target` the lab's model with a chat template that has a place for tools, and
`outputs/conversations/learn` 600 other conversations, each in one of the three ways by chance, from which that model
learns such turns before it becomes a target; all from fixed seeds.
"""

import json
import random
import shutil
from itertools import islice
from pathlib import Path
from typing import Any

from sppl.lab.dialects import gpt4, own, step_by_step
from sppl.lab.world import TASK_OPERATIONS, Problem, problems, question_text
from sppl.packaged import lab_checkpoint

FOLDER = Path("outputs/conversations")
N_TRAIN, N_TEST, N_LEARN = 200, 40, 600
SYSTEM = {"role": "system", "content": "Use the calculator."}
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{{ '<|' + ('user' if m.role == 'tool' else m.role) + '|>' }}"
    "{{ m.content }}{% for c in m.tool_calls or [] %}{{ c.function.name }}({{ c.function.arguments.expression }})"
    "{% endfor %}{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def call(number: int, content: str, expression: str, result: int) -> list[dict[str, Any]]:
    """The call of the calculator and what it returns."""
    function = {"name": "calculator", "arguments": {"expression": expression}}
    called = [{"id": f"call{number:05d}", "type": "function", "function": function}]
    return [
        {"role": "assistant", "content": content, "tool_calls": called},
        {"role": "tool", "tool_call_id": f"call{number:05d}", "content": str(result)},
    ]


def step_calls(problem: Problem, *, named: bool) -> list[dict[str, Any]]:
    """A call per calculation; `named` says which step it is."""
    turns: list[dict[str, Any]] = []
    for number, step in enumerate(problem.steps()):
        said = f"Step {number + 1}: " if named else ""
        turns += call(number, said, f"{step.left} {step.operator} {step.right}", step.result)
    return turns


def one_call(problem: Problem) -> list[dict[str, Any]]:
    """All calculations in one call."""
    start = f"{problem.groups} * {problem.size}" if problem.container else str(problem.size)
    changes = "".join(f" {'+' if one.amount > 0 else '-'} {abs(one.amount)}" for one in problem.changes)
    return call(0, f"{problem.name} has all of them: ", start + changes, problem.total)


STRATEGIES = {
    "calls_then_own": lambda problem, rng: [*step_calls(problem, named=False), answer(own(problem, rng))],
    "named_calls_then_steps": lambda problem, rng: [
        *step_calls(problem, named=True),
        answer(step_by_step(problem, rng)),
    ],
    "one_call_then_gpt4": lambda problem, rng: [*one_call(problem), answer(gpt4(problem, rng))],
}


def answer(text: str) -> dict[str, Any]:
    """The last turn."""
    return {"role": "assistant", "content": text}


def main() -> None:
    data, target = FOLDER / "data", FOLDER / "target"
    data.mkdir(parents=True, exist_ok=True)
    asked = list(islice(problems(random.Random(1), "train", TASK_OPERATIONS), N_TRAIN))
    for name, talk in STRATEGIES.items():
        rows = [
            row(number, problem, talk(problem, random.Random(f"{name} {number}")))
            for number, problem in enumerate(asked)
        ]
        write(data / f"{name}.jsonl", rows)
    tested = islice(problems(random.Random(2), "test", TASK_OPERATIONS), N_TEST)
    write(
        data / "test.jsonl",
        [row(number, one, step_calls(one, named=False), "test") for number, one in enumerate(tested)],
    )
    learn = FOLDER / "learn"
    learn.mkdir(exist_ok=True)
    chance = random.Random("ways")
    shown = islice(problems(random.Random(3), "train", TASK_OPERATIONS), N_LEARN)
    ways = [(number, one, chance.choice(sorted(STRATEGIES))) for number, one in enumerate(shown)]
    rows = [row(n, one, STRATEGIES[way](one, random.Random(f"learn {n}")), "learn") for n, one, way in ways]
    write(learn / "all_ways.jsonl", rows)
    shutil.copytree(lab_checkpoint(), target, dirs_exist_ok=True)
    (target / "chat_template.jinja").write_text(TEMPLATE)


def row(number: int, problem: Problem, turns: list[dict[str, Any]], split: str = "train") -> dict[str, Any]:
    """A record: the problem as the user's turn, and what follows."""
    question = {"role": "user", "content": question_text(problem, random.Random(f"question {split} {number}"))}
    return {
        "id": f"{split}{number}",
        "messages": [SYSTEM, question, *turns],
        "gold_label": str(problem.total),
    }


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))


if __name__ == "__main__":
    main()
