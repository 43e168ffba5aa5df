"""The lab's question source and its simulated teachers."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

from sppl.lab.dialects import DIALECTS
from sppl.lab.world import TASK_OPERATIONS, Problem, problems, question_text
from sppl.schemas import Question, Split, Strategy, UserError

SPLIT_SIZES: dict[Split, int] = {"train": 1000, "validation": 200, "test": 500}

DIALECT_OF = {
    "gpt4": "gpt4",
    "claude": "claude",
    "mini_gpt4": "mini_gpt4",
    "step_by_step": "step_by_step",
    "human_examples": "human",
    "rewrite": "rewrite",
    "self_generated": "own",
    "code": "code",
    "self_check": "self_check",
}
"""Strategy name to dialect name."""


@dataclass(frozen=True)
class LabQuestions:
    """Word problems with 2 to 4 operations.

    Args:
        seed: another one gives other questions in the same splits by numbers.
        instruction: a line after every question, for targets that were not made for the lab.
    """

    seed: int = 0
    instruction: str = ""

    def questions(self, split: Split, n: int | None = None) -> list[Question]:
        """Returns the first `n` questions of a split in a fixed order (None: all 1000, 200 or 500).

        Raises:
            UserError: the split is unknown.
        """
        if split not in SPLIT_SIZES:
            raise UserError(f"the lab has no split {split!r}; it has {', '.join(SPLIT_SIZES)}")
        size = SPLIT_SIZES[split]
        return list(islice(self._stream(split), size if n is None else min(n, size)))

    def _stream(self, split: Split) -> Iterator[Question]:
        rng = random.Random(f"questions/{self.seed}/{split}")
        seen: set[Problem] = set()
        for problem in problems(rng, split, TASK_OPERATIONS):
            if problem in seen:
                continue
            prompt = question_text(problem, rng)
            prompt += f"\n{self.instruction}" if self.instruction else ""
            yield Question(f"{split}-{len(seen):04d}", prompt, str(problem.total), fields=problem.fields())
            seen.add(problem)


@dataclass(frozen=True)
class LabTeacher:
    """Simulated teachers: every strategy is one dialect, every answer is correct."""

    edition: int = 1
    """Increased when the text of a dialect changes, so that stored responses are not mistaken for new ones."""
    label: ClassVar[str] = "simulated"
    paid: ClassVar[bool] = False
    by_id: ClassVar[bool] = False
    strategies: ClassVar[tuple[str, ...]] = tuple(DIALECT_OF)

    def identity(self, strategy: Strategy) -> Mapping[str, Any]:
        """Returns the strategy's dialect name, on which its responses depend."""
        return {"source": "lab", "edition": self.edition, "dialect": strategy.name}

    def respond(self, strategy: Strategy, questions: list[Question]) -> list[str]:
        """Returns one answer per question in the strategy's dialect, by strategy name and question id alone.

        Raises:
            UserError: the lab has no teacher of this name.
        """
        if strategy.name not in DIALECT_OF:
            known = ", ".join(self.strategies)
            raise UserError(f"the lab simulates no strategy {strategy.name!r}; it has {known}: choose strategy=NAME")
        dialect = DIALECTS[DIALECT_OF[strategy.name]]
        return [dialect(Problem.from_fields(q.fields), random.Random(f"{strategy.name}/{q.id}")) for q in questions]
