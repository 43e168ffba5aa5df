"""Shortlists of 1, 2, 3 and all strategies on recorded outcomes, settled by pilots or by one full training."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sppl.analysis.bed import Bed
from sppl.analysis.resampling import draws, interval
from sppl.analysis.selectors import PILOTS, grouping
from sppl.analysis.settling import settle_by_one_seed, settle_by_pilots

LEAD = "sppl_n2"
SIZES = {"1": 1, "2": 2, "3": 3, "all": 99}
REWRITE = "rewrite"


def shortlists(beds: Mapping[str, Bed]) -> pd.DataFrame:
    """One row per bed, way of settling and size of the shortlist.

    Columns: `candidates` (`all`, or without `rewrite`, whose pilots mislead on PlanBench); `settled_by`; `k`; `cases`;
    `regret` (fractions); `saved`: regret of the metric alone in the same cases minus this, with a 95 % interval from
    redrawn benchmarks. Pilots were measured on the test questions themselves, so their rows are optimistic.
    """
    rows = []
    for name, bed in beds.items():
        for candidates, kept in (("all", bed), (f"without {REWRITE}", _without(bed, REWRITE))):
            if candidates != "all" and len(kept.outcomes) == len(bed.outcomes):
                continue
            rankings = kept.rankings()
            led = rankings[rankings["metric"] == LEAD] if len(rankings) else rankings
            if len(led):
                rows += [{"bed": name, "candidates": candidates} | row for row in _rows(kept, led)]
    return pd.DataFrame(rows)


def _rows(bed: Bed, led: pd.DataFrame) -> list[dict[str, object]]:
    tried, reached = bed.scores[bed.scores["metric"].str.startswith(PILOTS)], bed.accuracies()
    ways = {
        "pilots": {label: settle_by_pilots(led, tried, reached, k) for label, k in SIZES.items()},
        "one full training": {label: settle_by_one_seed(bed.outcomes, led, k) for label, k in SIZES.items()},
    }
    rows = []
    for way, found in ways.items():
        for label, part in found.items():
            saved = found["1"].assign(saved=found["1"]["regret"] - part["regret"])
            sums = saved.groupby(grouping(saved))["saved"].agg(["sum", "size"]).to_numpy(float)
            drawn = sums[draws(len(sums), 1000, 0)].sum(axis=1)
            (low,), (high,) = interval((drawn[:, 0] / drawn[:, 1])[:, np.newaxis])
            row = {"settled_by": way, "k": label, "cases": len(part), "regret": part["regret"].mean()}
            rows.append(row | {"saved": saved["saved"].mean(), "saved_low": low, "saved_high": high})
    return rows


def _without(bed: Bed, strategy: str) -> Bed:
    kept = [frame[frame["strategy"] != strategy] for frame in (bed.scores, bed.outcomes)]
    return Bed(bed.name, kept[0], kept[1], bed.source)
