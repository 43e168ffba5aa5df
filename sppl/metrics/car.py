"""Compatibility-adjusted reward."""

import logging
from dataclasses import dataclass

import pandas as pd

from sppl.metrics.needs import EXAMPLE, Need, Rewards, RewardSource, Tables, TokenStats, mean_losses
from sppl.prompts import GivenQuestion

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CompatibilityAdjustedReward:
    """Reward of responses, divided by how foreign they are to the target (the reward's unit).

    CAR = (mean reward + shift) / (1 + beta * mean loss),  loss = mean token NLL (nats) given the question.
    Higher is better. Source: arXiv 2411.07133 (beta 3), a baseline of arXiv 2502.11779. A strategy's value is a ratio
    of means over examples. A negative reward divided by a larger number looks BETTER, against the intent: where rewards
    are negative this is said in the log, and `shift` can lift them all.
    """

    model: RewardSource
    beta: float = 3.0
    shift: float = 0.0
    higher_is_better: bool | None = True

    def __post_init__(self) -> None:
        if self.beta < 0:
            raise ValueError(f"car punishes foreign responses with beta >= 0, got {self.beta}")

    @property
    def name(self) -> str:
        return (
            f"car_{self.model.name}"
            + (f"_b{self.beta:g}" if self.beta != 3 else "")
            + (f"_s{self.shift:g}" if self.shift else "")
        )

    def needs(self) -> tuple[Need, ...]:
        return (Rewards(self.model), TokenStats(GivenQuestion()))

    def per_example(self, tables: Tables) -> pd.DataFrame:
        rewards, stats = (tables[need] for need in self.needs())
        frame = pd.DataFrame({"loss": mean_losses(stats)})
        frame["reward"] = rewards.set_index(EXAMPLE)["reward"].astype("float64") + self.shift
        negative = frame[frame["reward"] < 0]
        if len(negative):
            log.warning(
                "%s: %d of %d rewards are negative (the lowest %.3g), and a larger loss makes those better; lift them "
                "with metric.car.shift=%.3g",
                self.name, len(negative), len(frame), negative["reward"].min(), self.shift - negative["reward"].min(),
            )  # fmt: skip
        return frame.assign(value=frame["reward"] / (1 + self.beta * frame["loss"])).reset_index()

    def aggregate(self, scores: pd.DataFrame) -> float:
        return float(scores["reward"].mean() / (1 + self.beta * scores["loss"].mean()))
