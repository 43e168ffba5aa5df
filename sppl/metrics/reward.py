"""Reward of a response."""

from dataclasses import dataclass

import pandas as pd

from sppl.metrics.needs import EXAMPLE, Rewards, RewardSource, Tables, as_values


@dataclass(frozen=True)
class Reward:
    """What a reward model says of a response to its question, in the model's own unit.

    REWARD(r | q) = the one output of a sequence classifier for the chat [user q, assistant r] in its own template.
    Higher is better. A baseline of arXiv 2502.11779 (with Skywork-Reward-Llama-3.1-8B-v0.2); the target plays no part
    in it. A strategy's value is the arithmetic mean over examples.
    """

    model: RewardSource
    higher_is_better: bool | None = True

    @property
    def name(self) -> str:
        return f"reward_{self.model.name}"

    def needs(self) -> tuple[Rewards, ...]:
        return (Rewards(self.model),)

    def per_example(self, tables: Tables) -> pd.DataFrame:
        return as_values(tables[self.needs()[0]].set_index(EXAMPLE)["reward"])
