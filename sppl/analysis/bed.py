"""A test bed: metric values of strategies, and the accuracies after training on them."""

from dataclasses import dataclass

import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.outcomes import UNTRAINED, accuracies
from sppl.analysis.paper import RecordedMetric
from sppl.analysis.ranking import rank

HIGHER = {"higher": True, "lower": False, "none": None}
SCORE_COLUMNS = [*PAIR, "strategy", "metric", "direction", "value"]


@dataclass(frozen=True)
class Bed:
    """Outcomes of a grid of benchmarks or targets by strategies, and the metrics of the same strategies.

    Args:
        name: of the bed.
        scores: one row per benchmark, target, strategy and metric: its `value` and `direction` (`lower`, `higher`,
            `none`); may be empty.
        outcomes: as `sppl.schemas.TABLES["outcomes"]`, one setup per benchmark and target; columns `teacher` (who wrote
            a strategy's responses) and `parameters` (weights of the target) where they are known.
        source: where it comes from, for people.
    """

    name: str
    scores: pd.DataFrame
    outcomes: pd.DataFrame
    source: str = ""

    def accuracies(self) -> pd.DataFrame:
        """Returns the mean accuracy per benchmark, target and strategy, of cases with two strategies or more."""
        reached = accuracies(self.outcomes[self.outcomes["strategy"] != UNTRAINED])
        reached = reached.assign(accuracy=reached["accuracy"].astype(float))
        return reached[reached.groupby(PAIR)["strategy"].transform("size") > 1].reset_index(drop=True)

    def rankings(self) -> pd.DataFrame:
        """Returns rankings of the trained strategies by every metric, of cases where it has a value for all of them."""
        return rank_bed(self.scores, self.accuracies())

    def alone(self) -> list[str]:
        """Returns the cases in which only one strategy was trained, so that there was nothing to choose."""
        trained = self.outcomes[self.outcomes["strategy"] != UNTRAINED]
        counts = trained.groupby(PAIR)["strategy"].nunique()
        return [f"{benchmark} / {target}" for benchmark, target in counts[counts < 2].index]


def rank_bed(scores: pd.DataFrame, reached: pd.DataFrame) -> pd.DataFrame:
    """Returns rankings by every metric of `scores`, of cases where it has a value for every trained strategy."""
    trained = scores.merge(reached[[*PAIR, "strategy"]], on=[*PAIR, "strategy"])
    wanted = reached.groupby(PAIR)["strategy"].nunique()
    parts = []
    for metric, part in trained.groupby("metric", sort=False):
        found = part.groupby(PAIR)["strategy"].nunique()
        whole = found[found == wanted.reindex(found.index)].reset_index()[PAIR]
        kept = part.merge(whole, on=PAIR)
        if len(kept):
            direction = HIGHER[str(kept["direction"].iloc[0])]
            parts.append(rank(kept, [RecordedMetric(str(metric), direction)], resamples=0))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
