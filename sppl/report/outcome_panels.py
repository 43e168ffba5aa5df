"""The outcome panels of a page: paired differences, and accuracy along the settings that were swept."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sppl.analysis.outcomes import UNTRAINED
from sppl.report.gallery import Gallery
from sppl.report.markup import Markup
from sppl.report.outcome_charts import AccuracyAt, Difference, draw_accuracies, draw_differences

MOST_DIFFERENCES = 12
"""Pairs of strategies in one drawing; of more, those of the best strategy."""
MOST_LINES = 6
"""Drawings of accuracy along one setting, one per combination of the others."""


def draw_paired_panels(compared: pd.DataFrame, best: Mapping[str, str], title: str, gallery: Gallery) -> list[Markup]:
    """Draws one panel per setup: how much more often the first of two strategies is right on the same questions.

    Args:
        compared: of `sppl.analysis.paired.compare_pairs`, of one benchmark and target.
        best: setup -> its best strategy.
        title: of the pair.
        gallery: where drawings go.
    """
    made = []
    for setup, part in compared.groupby("setup", sort=False) if len(compared) else ():
        rows = [_best_first(row, best.get(str(setup), "")) for row in part.to_dict("records")]
        rows.sort(key=lambda row: row["strategy"] != best.get(str(setup), ""))
        own = [row for row in rows if row["strategy"] == best.get(str(setup), "")]
        shown = rows if len(rows) <= MOST_DIFFERENCES else own[:MOST_DIFFERENCES]
        found = [
            Difference(f"{row['strategy']} - {row['other']}", row["difference"], row["low"], row["high"])
            for row in shown
        ]
        heading = f"points of accuracy{f', {setup}' if compared['setup'].nunique() > 1 else ''}"
        svg = draw_differences(found, heading=heading)
        words = ("differences", *title.split(" / "), *([str(setup)] if heading.endswith(str(setup)) and setup else []))
        made.append(gallery.figure(svg, words, label=f"{title}: paired differences {setup}"))
    return made


def _best_first(row: dict[Any, Any], best: str) -> dict[Any, Any]:
    """The difference seen from the best strategy or else from the better of the two."""
    if row["strategy"] == best or (row["other"] != best and row["difference"] >= 0):
        return row
    turned = {"strategy": row["other"], "other": row["strategy"], "difference": -row["difference"]}
    return row | turned | {"low": -row["high"], "high": -row["low"]}


def draw_setting_panels(
    rows: pd.DataFrame, settings: Sequence[str], labels: Mapping[str, str], title: str, gallery: Gallery
) -> list[Markup]:
    """Draws one panel per numeric setting with two or more values and per combination of the other settings.

    Args:
        rows: of `sppl.analysis.summary.strategies_table`, of one benchmark and target.
        settings: the columns of settings that vary.
        labels: strategy -> how it is written.
        title: of the pair.
        gallery: where drawings go.
    """
    made = []
    for setting in settings:
        own = rows[(rows["strategy"] != UNTRAINED) & rows["accuracy"].notna()]
        numbers = pd.to_numeric(own[setting], errors="coerce")
        if numbers.isna().any() or numbers.nunique() < 2:
            continue
        others = [one for one in settings if one != setting]
        own = own.assign(at=numbers.astype(float)).sort_values("at")
        parts = list(own.groupby(others, dropna=False, sort=False)) if others else [((), own)]
        base = rows.loc[rows["strategy"] == UNTRAINED, "accuracy"].dropna()
        for key, part in parts[:MOST_LINES]:
            where = ", ".join(f"{name} {value}" for name, value in zip(others, key, strict=True))
            lines = {labels.get(str(name), str(name)): _line(found) for name, found in part.groupby("strategy")}
            svg = draw_accuracies(
                lines, setting=setting, heading=where or f"accuracy over {setting}",
                untrained=float(base.iloc[0]) if len(base) else None,
            )  # fmt: skip
            words = ("along", *title.split(" / "), setting, *([where] if where else []))
            made.append(gallery.figure(svg, words, label=f"{title}: accuracy over {setting} {where}"))
    return made


def _line(found: pd.DataFrame) -> list[AccuracyAt]:
    return [
        AccuracyAt(row["at"], float(row["accuracy"]), _number(row["accuracy_low"]), _number(row["accuracy_high"]))
        for row in found.to_dict("records")
    ]


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
