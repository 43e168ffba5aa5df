"""Plots of a report."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sppl.analysis.outcomes import UNTRAINED


def scatter(folder: Path, rows: pd.DataFrame, metrics: Sequence[str]) -> Path | None:
    """Draws each metric's value against accuracy, one panel per metric and target, as `scatter.svg` and `scatter.png`.

    Returns:
        The path of the SVG; None where no strategy has both a value and an accuracy.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    both = rows[rows["accuracy"].notna() & (rows["strategy"] != UNTRAINED)]
    panels = [(pair, metric) for pair in both[["benchmark", "target_model"]].drop_duplicates().itertuples(index=False)
              for metric in metrics if both[metric].notna().any()]  # fmt: skip
    if not panels:
        return None
    columns = min(len(panels), max(1, len(metrics)))
    height = -(-len(panels) // columns)
    plt.rcParams["svg.hashsalt"] = "sppl"
    figure, axes = plt.subplots(
        height, columns, figsize=(3.6 * columns, 3.2 * height), squeeze=False, layout="constrained"
    )
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, ((benchmark, target), metric) in zip(axes.flat, panels, strict=False):
        here = both[(both["benchmark"] == benchmark) & (both["target_model"] == target)].dropna(subset=[metric])
        numbers = here[[metric, "accuracy", "accuracy_se"]].fillna(0).astype(float)
        value, accuracy, error = numbers.to_numpy().T
        axis.errorbar(value, accuracy, yerr=error, fmt="o", color="#2f6f8f", ecolor="#b8cfda", markersize=5)
        for row in here.itertuples():
            axis.annotate(str(row.strategy), (float(getattr(row, metric)), float(row.accuracy)), xytext=(4, 4),
                          textcoords="offset points", fontsize=7)  # fmt: skip
        same = (rows["benchmark"] == benchmark) & (rows["target_model"] == target)
        untrained = rows[same & (rows["strategy"] == UNTRAINED)]
        for base in untrained["accuracy"].dropna().astype(float):
            axis.axhline(base, color="#999999", linewidth=0.8, linestyle="--", label="untrained")
        axis.set(xlabel=metric, ylabel="accuracy", title=f"{benchmark} / {target}")
        axis.title.set_fontsize(9)
        axis.margins(x=0.18, y=0.12)
        axis.spines[["top", "right"]].set_visible(False)
    for suffix in (".png", ".svg"):
        figure.savefig(folder / f"scatter{suffix}", dpi=120, metadata={"Date": None} if suffix == ".svg" else None)
    plt.close(figure)
    return folder / "scatter.svg"
