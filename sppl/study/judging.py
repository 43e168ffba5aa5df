"""Judges how well each metric predicted the accuracies after training."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal

import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.confidence import confidence
from sppl.analysis.conventions import PAPER, SOUND
from sppl.analysis.correlation import LEAST
from sppl.analysis.summary import metrics_table
from sppl.metrics.needs import Metric

PAPER_ARITHMETIC = replace(PAPER, slices=(), scored_as={}, candidates={}, spread_over={})
"""The authors' arithmetic, without what only their own records have (slices, candidate lists)."""


def judge_metrics(
    rankings: pd.DataFrame,
    outcomes: pd.DataFrame,
    scores: pd.DataFrame | None,
    metrics: Sequence[Metric],
    answers: pd.DataFrame,
    conventions: Literal["default", "paper"],
    references: Collection[str] | None = None,
) -> pd.DataFrame:
    """Returns the table that judges the metrics by the chosen conventions, with Spearman by the others beside it.

    Args:
        references: as `metrics_table`; the other arguments, too.
    """
    ours, other = (SOUND, PAPER_ARITHMETIC) if conventions == "default" else (PAPER_ARITHMETIC, SOUND)
    judged = metrics_table(
        rankings, outcomes, scores=scores, metrics=metrics, answers=answers, conventions=ours, least=LEAST,
        references=references,
    )  # fmt: skip
    judged[f"spearman_{other.name}"] = metrics_table(rankings, outcomes, conventions=other, least=LEAST)["spearman"]
    if rankings.empty:
        return judged
    chances = confidence(rankings)[[*PAIR, "metric", "runner_up", "chance", "bound", "said"]]
    return judged.merge(chances, on=[*PAIR, "metric"], how="left", validate="many_to_one")
