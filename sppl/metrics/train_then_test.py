"""Train, then test: the accuracy after training on few responses."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from sppl.bounds import Count, Natural, NumberOfQuestions
from sppl.metrics.needs import EXAMPLE, Outcomes, Tables, as_values


@dataclass(frozen=True)
class TrainThenTest:
    """Share of test questions that the target answers right after training on `n_train` of a strategy's responses.

    Higher is better. A baseline of arXiv 2502.11779, and the dearest metric here: it reads what the stages `finetune`
    and `benchmark` (or `pilot_finetune` and `pilot_benchmark`) made with n_train=100. Its examples are test questions,
    and where they are those of the final comparison, it has seen a part of the answer. A strategy's value is the mean
    over test questions.

    Args:
        n_train: responses trained on.
        seed: of that training.
        n_test: test questions, or `all`.
        training: its settings.
    """

    training: Any
    n_train: Count = 100
    seed: Natural = 0
    n_test: NumberOfQuestions = 200
    higher_is_better: bool | None = True

    @property
    def name(self) -> str:
        return f"train_then_test_n{self.n_train}" + (f"_s{self.seed}" if self.seed else "")

    def needs(self) -> tuple[Outcomes, ...]:
        return (Outcomes(self.n_train, self.n_test, self.seed, self.training),)

    def per_example(self, tables: Tables) -> pd.DataFrame:
        return as_values(tables[self.needs()[0]].set_index(EXAMPLE)["correct"])
