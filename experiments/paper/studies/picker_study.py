"""The frozen picker, beside simpler ways to choose a strategy."""

import numpy as np
import pandas as pd

from sppl.analysis.blocks import judge_slices
from sppl.analysis.checks import PAIR
from sppl.analysis.conventions import SIX, take_comparable
from sppl.analysis.outcomes import accuracies
from sppl.analysis.paper import RecordedMetric
from studies.picker import FEATURES, PICKER

METRICS = [RecordedMetric(name, name in ("reward", "log_probability")) for name in FEATURES]


def ways_to_choose(scores: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """One row per way to choose: mean `accuracy` of what it chooses, `regret`, and `n_pairs` it was judged on.

    `one_seed` trains every strategy with one seed, takes the best and is judged by the other seeds (averaged over the
    choice of the seed); `best_of_the_rest` is the best strategy by those other seeds, the ceiling of that comparison.
    `random` is the mean over strategies.

    Args:
        scores: the recorded scores.
        outcomes: of one setup per benchmark.
    """
    named = scores[scores["metric"].isin(list(FEATURES))]
    table = judge_slices(named, outcomes, METRICS, also=[PICKER])
    table = table.assign(got=table["picked_accuracy"].astype(float), lost=table["regret"].astype(float))
    rows = [
        {"way": metric, "accuracy": part["got"].mean(), "regret": part["lost"].mean(), "n_pairs": len(part)}
        for metric, part in table.groupby("metric", sort=False)
    ]
    trained = take_comparable(named, outcomes)[[*PAIR, "strategy"]].drop_duplicates()
    reached = accuracies(outcomes).merge(trained, on=[*PAIR, "strategy"])
    wide = reached.assign(accuracy=reached["accuracy"].astype(float)).pivot(
        index=PAIR, columns="strategy", values="accuracy"
    )
    best = wide.max(axis=1)
    for name in SIX:
        rows.append(_row(f"always {name}", wide[name].dropna(), best))
    rows += [_row("random", wide.mean(axis=1), best), _row("best", best, best)]
    return pd.DataFrame([*rows, *_one_seed(outcomes.merge(trained, on=[*PAIR, "strategy"]))])


def _row(way: str, accuracy: pd.Series, best: pd.Series) -> dict[str, str | float]:
    lost = best.loc[accuracy.index] - accuracy
    return {"way": way, "accuracy": float(accuracy.mean()), "regret": float(lost.mean()), "n_pairs": len(accuracy)}


def _one_seed(outcomes: pd.DataFrame) -> list[dict[str, str | float]]:
    got, ceiling = [], []
    for _, part in outcomes.groupby(PAIR):
        wide = part.pivot(index="strategy", columns="seed", values="accuracy").dropna(axis=1)
        if wide.shape[1] < 2:
            continue
        rest = [wide.drop(columns=seed).mean(axis=1) for seed in wide]
        got.append(np.mean([other[str(wide[seed].idxmax())] for seed, other in zip(wide, rest, strict=True)]))
        ceiling.append(np.mean([other.max() for other in rest]))
    reached, top = float(np.mean(got)), float(np.mean(ceiling))
    return [
        {"way": "one_seed", "accuracy": reached, "regret": top - reached, "n_pairs": len(got)},
        {"way": "best_of_the_rest", "accuracy": top, "regret": 0.0, "n_pairs": len(got)},
    ]
