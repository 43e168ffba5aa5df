"""Conventions that a comparison of metrics rests on: the sound ones, and those of the paper."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from sppl.schemas import UserError

Names = Mapping[str, tuple[str, ...]]
"""Strategies per benchmark; the entry `""` is for every other benchmark, without it all strategies count."""


@dataclass(frozen=True)
class Conventions:
    """How accuracies are averaged, metrics judged and pairs weighted.

    Args:
        name: of the preset.
        ties: `average` is Spearman's correlation with shared ranks; `by_name` breaks equal scores by the strategy's
            name and uses the formula for data without ties.
        spread: how much the strategies of a pair differ (the pair's weight): sample standard deviation of accuracies
            over `seed_means` or over the `first_seed`.
        decimals: to which every run's accuracy is rounded first; None does not round.
        tie_decimals: to which mean accuracies are rounded so that equal ones tie: the same runs summed in another order
            differ in the last bits. None leaves them as the sum did, and what then ties is an accident.
        skip_zero: leave out runs with accuracy 0.
        slices: half-open ranges of questions, ranked one by one and averaged; empty ranks by all questions once.
        scored_as: strategy -> under which name its scores are read.
        candidates: strategies that are ranked.
        spread_over: strategies whose accuracies make the spread.
    """

    name: str
    ties: Literal["average", "by_name"] = "average"
    spread: Literal["seed_means", "first_seed"] = "seed_means"
    decimals: int | None = None
    tie_decimals: int | None = 12
    skip_zero: bool = False
    slices: tuple[tuple[int, int], ...] = ()
    scored_as: Mapping[str, str] = field(default_factory=dict)
    candidates: Names = field(default_factory=dict)
    spread_over: Names = field(default_factory=dict)


SOUND = Conventions("sound")
"""Tie-aware, unrounded, all questions at once, all strategies that have both score and accuracy."""

SIX = ("claude", "gpt4", "mini_gpt4", "step_by_step", "human_examples", "gpt4_examples")
EIGHT = (*SIX, "rewrite", "groundtruth")
_WITH_SOLUTIONS = dict.fromkeys(["gsm8k", "math_algebra", "ecqa", "math_geometry"], EIGHT)

PAPER = Conventions(
    "paper",
    ties="by_name",
    spread="first_seed",
    decimals=3,
    tie_decimals=None,
    skip_zero=True,
    slices=((0, 50), (50, 100), (100, 150)),
    scored_as={"step_by_step": "step_by_step_cleaned"},
    candidates={"": SIX, **_WITH_SOLUTIONS},
    spread_over={"": SIX, **_WITH_SOLUTIONS, "mbpp": EIGHT},
)
"""arXiv 2502.11779 as its code computes its tables; a tie of scores is broken by name, not by a sorting routine."""


def counted_strategies(names: Names, benchmark: str) -> tuple[str, ...] | None:
    """Returns the strategies that count on a benchmark; None means all."""
    return names.get(benchmark, names.get(""))


def take_slice(scores: pd.DataFrame, start: int, end: int) -> pd.DataFrame:
    """Returns the scores of questions `start <= example_id < end`, and the slice means of exactly that range.

    Raises:
        UserError: an example id is not a number, so that it is in no slice.
    """
    per_example = scores["example_id"].notna()
    index = pd.to_numeric(scores.loc[per_example, "example_id"], errors="coerce")
    if index.isna().any():
        name = scores.loc[index.index[index.isna()][0], "example_id"]
        raise UserError(
            f"slices need example ids that count the questions from 0; {name!r} does not (use all questions)"
        )
    inside = (scores["start"] == start) & (scores["end"] == end) & ~per_example
    inside = inside.fillna(False).astype(bool)
    inside.loc[index.index] = (index >= start) & (index < end)
    return scores[inside]


def take_comparable(scores: pd.DataFrame, outcomes: pd.DataFrame, conventions: Conventions = SOUND) -> pd.DataFrame:
    """Returns the scores of candidates that were also trained, under the names that `scored_as` gives them."""
    alias = {source: name for name, source in conventions.scored_as.items()}
    frame = scores[~scores["strategy"].isin(list(conventions.scored_as))]
    frame = frame.assign(strategy=frame["strategy"].replace(alias)) if alias else frame
    pair = ["benchmark", "target_model", "strategy"]
    trained = outcomes[pair].drop_duplicates()
    allowed = [
        names is None or strategy in names
        for benchmark, strategy in trained[["benchmark", "strategy"]].itertuples(index=False)
        for names in [counted_strategies(conventions.candidates, benchmark)]
    ]
    return frame.merge(trained[allowed], on=pair)
