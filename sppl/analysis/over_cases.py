"""Averages what following each metric cost over several benchmarks and targets."""

import pandas as pd

from sppl.analysis.checks import PAIR

TOLERANCE = 1e-9
RANDOM = "a random pick"


def average_losses(judged: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Returns one row per metric that picks, the smallest loss first, and one for a random pick.

    Only cases (a benchmark, target and setting) in which all of them have a regret count, so that the rows compare.

    Args:
        judged: of `sppl.analysis.summary.metrics_table`.
        rows: of `sppl.analysis.summary.strategies_table`.

    Returns:
        `metric`, `cases`, `regret, points` (mean loss against the best strategy), `largest, points` (of one case),
        `picks the best` (share of cases), `Spearman` (mean; of defined ones). Empty with fewer than two such cases.
    """
    case = [*PAIR, *(column for column in judged if column in rows and column not in (*PAIR, "note", "spread"))]
    known = judged[judged["regret"].notna()]
    names = list(dict.fromkeys(known["metric"]))
    counted = known.groupby(case, dropna=False)["metric"].transform("nunique") == len(names)
    shared = known[counted]
    cases = shared[case].drop_duplicates()
    if len(cases) < 2:
        return pd.DataFrame()
    found = [_row(name, part["regret"], part["spearman"]) for name, part in shared.groupby("metric", sort=False)]
    compared = ["rank_accuracy", *(rank for name in names if (rank := f"rank_{name}") in rows)]
    trained = rows[rows[compared].notna().all(axis=1)].merge(cases, on=case)
    lost = [of["accuracy"].max() - of["accuracy"].astype(float) for _, of in trained.groupby(case, dropna=False)]
    chance = {"picks the best": sum((one < TOLERANCE).mean() for one in lost) / len(lost)}
    found.append(_row(RANDOM, pd.Series([one.mean() for one in lost]), pd.Series([0.0])) | chance)
    return pd.DataFrame(found).sort_values("regret, points", kind="stable", ignore_index=True)


def _row(name: object, regret: pd.Series, spearman: pd.Series) -> dict[str, object]:
    lost = regret.astype(float)
    return {
        "metric": str(name),
        "cases": len(lost),
        "regret, points": 100 * lost.mean(),
        "largest, points": 100 * lost.max(),
        "picks the best": (lost < TOLERANCE).mean(),
        "Spearman": spearman.astype(float).mean(),
    }


def describe_losses(table: pd.DataFrame) -> str:
    """Returns a sentence on the metric whose picks lost least, beside a random pick; empty without rows."""
    if table.empty:
        return ""
    first, chance = table.iloc[0], table[table["metric"] == RANDOM].iloc[0]
    where = f"Over {first['cases']} cases (benchmark, target, settings)"
    random = f"{chance['regret, points']:.2f} points"
    if first["metric"] == RANDOM:
        return f"{where} no metric picked better than chance, which lost {random}."
    return (
        f"{where} the picks of {first['metric']} lost least: {first['regret, points']:.2f} points against the best "
        f"strategy in the mean, {first['largest, points']:.1f} at most; a random pick loses {random}."
    )
