"""Judges every metric and selector on test beds, in one table with intervals."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sppl.analysis.bed import Bed, rank_bed
from sppl.analysis.checks import PAIR
from sppl.analysis.outcomes import UNTRAINED
from sppl.analysis.resampling import draws, interval
from sppl.analysis.selectors import (
    RANDOM,
    choose_at_random,
    choose_by_length,
    choose_by_training,
    choose_fixed,
    grouping,
    lead_on_other_targets,
)
from sppl.analysis.settling import FIGURES, TOLERANCE
from sppl.analysis.summary import metrics_table
from sppl.schemas import UserError

RESAMPLES = 1000
POOLED = "all beds"
COLUMNS = ["bed", "selector", "cases", "spearman", "spearman_low", "spearman_high", "regret", "regret_low"]
COLUMNS += ["regret_high", "top1", "of_random", "of_random_low", "of_random_high", "note"]


def cases(bed: Bed) -> pd.DataFrame:
    """Returns one row per case (benchmark and target) and metric or selector.

    Columns: `bed`, keys, `selector`, `spearman` with the accuracies, `regret` (accuracy of the best strategy minus that
    of the pick), `top1` (1 where the pick is the best), `random` (the regret of a random pick in the same case).

    Raises:
        UserError: no case has two trained strategies.
    """
    reached = bed.accuracies()
    if reached.empty:
        raise UserError(
            f"bed {bed.name}: no benchmark and target has two trained strategies, so nothing was ever chosen; train a "
            "second strategy on one of them"
        )
    chance = choose_at_random(reached)
    priors = [lead_on_other_targets(reached), choose_fixed(reached), choose_by_length(bed.scores)]
    scored = [part for part in (bed.scores, *priors) if len(part)]
    scores = pd.concat(scored, ignore_index=True) if scored else bed.scores
    rankings = rank_bed(scores[scores["direction"] != "none"], reached)
    trained = bed.outcomes[bed.outcomes["strategy"] != UNTRAINED]
    parts = [chance.assign(selector=RANDOM), choose_by_training(rankings, bed.scores, trained, reached)]
    if len(rankings):
        judged = metrics_table(rankings, trained)
        judged = judged.rename(columns={"metric": "selector"})
        judged = judged.assign(top1=(judged["regret"].astype(float) < TOLERANCE).astype(float))
        parts.insert(0, judged.merge(chance[[*PAIR, "random"]], on=PAIR))
    frame = pd.concat([part for part in parts if len(part)], ignore_index=True)
    frame = frame.astype(dict.fromkeys(FIGURES, float)).assign(bed=bed.name)
    return frame[["bed", *PAIR, "selector", *FIGURES]]


def bed_table(every: pd.DataFrame) -> pd.DataFrame:
    """Returns one row per bed and selector, and one over all beds per selector that two beds or more have.

    Of a bed: `cases`; the means of `spearman`, `regret` (fractions) and `top1`; `of_random`: the regret as a share of
    that of a random pick in the same cases. Over all beds: `of_random` alone, the mean of the beds' shares, every bed
    alike; `cases` are those of all of them. Ends of 95 % intervals come from redrawing benchmarks (targets, in a bed
    of one benchmark). `note` says what was left out.

    Args:
        every: of `cases`, of one or more beds.
    """
    rows, drawn = [], {}
    beds = list(dict.fromkeys(every["bed"]))
    for bed, within in every.groupby("bed", sort=False):
        n_cases = int((within["selector"] == RANDOM).sum())
        for selector, part in within.groupby("selector", sort=False):
            values = _resampled(part, grouping(within))
            drawn.setdefault(str(selector), []).append((values["of_random"], part))
            rows.append(
                {"bed": bed, "selector": selector, "cases": len(part)}
                | _means(part)
                | _ends(values)
                | {"note": _left_out(len(part), n_cases)}
            )
    rows += [_pooled(selector, found, len(beds)) for selector, found in drawn.items() if len(found) > 1]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    order = frame["bed"].map({name: at for at, name in enumerate([*beds, POOLED])})
    return frame.assign(order=order).sort_values(["order", "of_random"], kind="stable")[COLUMNS].reset_index(drop=True)


def _means(part: pd.DataFrame) -> dict[str, float]:
    means = {name: float(part[name].mean()) for name in ("spearman", "regret", "top1")}
    return means | {"of_random": _share(part["regret"].sum(), part["random"].sum())}


def _share(regret: float, random: float) -> float:
    return float(regret / random) if random > 0 else float("nan")


def _resampled(part: pd.DataFrame, by: str) -> dict[str, NDArray]:
    """Spearman, regret and share of a random pick's regret in resamples of whole benchmarks or targets."""
    groups = part.assign(n=1, known=part["spearman"].notna()).groupby(by)[[*FIGURES, "n", "known"]].sum()
    taken = draws(len(groups), RESAMPLES, 0)
    sums = {name: groups[name].to_numpy(float)[taken].sum(axis=1) for name in groups}
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "spearman": sums["spearman"] / sums["known"],
            "regret": sums["regret"] / sums["n"],
            "of_random": sums["regret"] / sums["random"],
        }


def _ends(values: dict[str, NDArray]) -> dict[str, float]:
    found = {}
    for name, one in values.items():
        low, high = interval(one[np.isfinite(one)][:, None]) if np.isfinite(one).any() else ([np.nan], [np.nan])
        found |= {f"{name}_low": float(low[0]), f"{name}_high": float(high[0])}
    return found


def _pooled(selector: str, found: list[tuple[NDArray, pd.DataFrame]], n_beds: int) -> dict[str, Any]:
    shares = [_share(part["regret"].sum(), part["random"].sum()) for _, part in found]
    ends = _ends({"of_random": np.mean([values for values, _ in found], axis=0)})
    n = sum(len(part) for _, part in found)
    note = "" if len(found) == n_beds else f"in {len(found)} of {n_beds} beds"
    return {"bed": POOLED, "selector": selector, "cases": n, "of_random": float(np.mean(shares)), "note": note} | ends


def _left_out(found: int, of: int) -> str:
    return f"{of - found} of {of} cases left out: it lacks a value there, or a second seed" if found < of else ""
