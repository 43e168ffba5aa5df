"""The lab's world: short word problems as structured data, their texts and their split by a hash of their numbers."""

import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

NAMES = ("Ann", "Ben", "Cara", "Dan", "Eva", "Finn", "Gina", "Hugo", "Ida", "Jack", "Kim", "Leo")
THINGS = ("plums", "marbles", "stickers", "coins", "shells", "cards", "beads", "pens", "cookies", "stamps")
CONTAINERS = ("bags", "boxes", "jars")
GAINS = {"finds": "finding", "buys": "buying", "wins": "winning", "gets": "getting"}
LOSSES = {"sells": "selling", "loses": "losing", "spends": "spending", "donates": "donating"}
GERUNDS = GAINS | LOSSES

SMALLEST_TOTAL, LARGEST_TOTAL = 2, 81
TASK_OPERATIONS = (2, 3, 4)
PRETRAINING_OPERATIONS = (1, 2, 3)
N_BUCKETS = 20
BUCKETS = {"train": (0, 1), "validation": (2,), "test": (3, 4), "pretraining": tuple(range(5, N_BUCKETS))}


@dataclass(frozen=True)
class Change:
    """One gain or loss: the verb of its sentence and the signed amount."""

    verb: str
    amount: int


@dataclass(frozen=True)
class Step:
    """One true equation `left operator right = result`; `change` is the sentence it stands for, None for the bags."""

    left: int
    operator: str
    right: int
    change: Change | None = None

    @property
    def result(self) -> int:
        """The value of the right-hand side."""
        match self.operator:
            case "+":
                return self.left + self.right
            case "-":
                return self.left - self.right
            case _:
                return self.left * self.right

    @property
    def equation(self) -> str:
        """The step as text, `15 - 8 = 7`."""
        return f"{self.left} {self.operator} {self.right} = {self.result}"


@dataclass(frozen=True)
class Problem:
    """Somebody has `groups` containers of `size` things (no container: one group), then gains and loses some."""

    name: str
    thing: str
    container: str
    groups: int
    size: int
    changes: tuple[Change, ...]

    @property
    def start(self) -> int:
        """How many things there are before any change."""
        return self.groups * self.size

    @property
    def total(self) -> int:
        """The answer."""
        return self.start + sum(change.amount for change in self.changes)

    @property
    def operations(self) -> int:
        """How many calculations an answer needs, the containers counted as one."""
        return len(self.changes) + bool(self.container)

    def steps(self) -> list[Step]:
        """The equations from first to last, in the order of the question."""
        equations = [Step(self.groups, "*", self.size)] if self.container else []
        total = self.start
        for change in self.changes:
            equations.append(Step(total, "+" if change.amount > 0 else "-", abs(change.amount), change))
            total += change.amount
        return equations

    def fields(self) -> dict[str, Any]:
        """The problem as plain JSON data; `from_fields` is the inverse."""
        return asdict(self) | {"changes": [asdict(change) for change in self.changes]}

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Problem":
        """The problem that `fields` describes."""
        changes = tuple(Change(**change) for change in fields["changes"])
        return cls(**{**fields, "changes": changes})


def bucket(problem: Problem) -> int:
    """A number in 0..19 that depends on the problem's numbers only, so that no two splits share an arithmetic."""
    numbers = [problem.groups, problem.size, *(change.amount for change in problem.changes)]
    return int.from_bytes(hashlib.sha256(json.dumps(numbers).encode()).digest()[:8]) % N_BUCKETS


def sample_problem(rng: random.Random, operations: int) -> Problem:
    """A random problem with this many operations whose running total never leaves 2..81."""
    in_groups = rng.random() < 0.3
    if in_groups:
        groups, size = rng.randint(2, 9), rng.randint(2, 9)
    else:
        groups, size = 1, rng.randint(4, 60)
    name, thing, container = rng.choice(NAMES), rng.choice(THINGS), rng.choice(CONTAINERS) if in_groups else ""
    total, changes = groups * size, []
    for _ in range(operations - in_groups):
        sign = rng.choice([sign for sign in (1, -1) if SMALLEST_TOTAL <= total + 9 * sign <= LARGEST_TOTAL])
        changes.append(Change(rng.choice(tuple(GAINS if sign > 0 else LOSSES)), sign * rng.randint(2, 9)))
        total += changes[-1].amount
    return Problem(name, thing, container, groups, size, tuple(changes))


def problems(rng: random.Random, split: str, operations: tuple[int, ...]) -> Iterator[Problem]:
    """An endless stream of problems of one split (a key of `BUCKETS`), cycling through `operations`."""
    while True:
        for wanted in operations:
            problem = sample_problem(rng, wanted)
            while bucket(problem) not in BUCKETS[split]:
                problem = sample_problem(rng, wanted)
            yield problem


def question_text(problem: Problem, rng: random.Random) -> str:
    """The problem as a question in English, with a little variety in its wording."""
    name, thing = problem.name, problem.thing
    if problem.container:
        first = f"{name} has {problem.groups} {problem.container} of {problem.size} {thing}."
    else:
        first = f"{name} has {problem.size} {thing}."
    opener = rng.choice(("", "", "Then "))
    more = rng.choice(("", " more"))
    changes = [f"{opener}{name} {c.verb} {abs(c.amount)}{more if c.amount > 0 else ''}." for c in problem.changes]
    ask = rng.choice(("does {} have now?", "does {} have in the end?", "are with {} now?")).format(name)
    return " ".join([first, *changes, f"How many {thing} {ask}"])
