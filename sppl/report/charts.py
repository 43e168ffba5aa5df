"""The drawings of a report, each from plain numbers to an SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sppl.report.labels import shorten_label, write_labels
from sppl.report.svg import ACCENT, INK, LINE, MUTED, PAPER, SOFT, draw_chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 3.8
"""Inches of a panel: three beside each other on a screen, one on a phone."""
PALE, DARK = "#fefefe", "#14191f"
"""Colours of text on the heat map, whatever the page's own are."""
FEW_POINTS = 100
"""Up to so many examples are each drawn as a dot."""
DIRECTIONS = {"lower": "lower is better", "higher": "higher is better", "none": "no direction"}


@dataclass(frozen=True)
class Point:
    """One strategy by one metric, as charts show it; unknown values are None."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    p_first: float | None = None
    accuracy: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    is_pick: bool = False

    @property
    def colour(self) -> str:
        return ACCENT if self.is_pick else SOFT


def draw_ranking(points: Sequence[Point], *, metric: str, direction: str) -> str:
    """Draws values with their intervals, best strategy on top, and how often each is first; returns SVG."""
    names = [shorten_label(point.label) for point in points]

    def draw(axes: "Axes") -> None:
        name_rows(axes, names)
        places, colours = range(len(points)), [point.colour for point in points]
        low, high = _ends(points)
        axes.hlines(places, low, high, colors=colours, linewidth=3, alpha=0.55)
        axes.scatter([point.value for point in points], places, s=46, c=colours, zorder=3, linewidths=0)
        for row, point in enumerate(points):
            if point.p_first is not None:
                share = f"{100 * point.p_first:.0f} %"
                axes.text(1.02, row, share, transform=axes.get_yaxis_transform(), va="center", color=MUTED, fontsize=8)
        if any(point.p_first is not None for point in points):
            axes.text(1.02, -0.75, "first in", transform=axes.get_yaxis_transform(), color=MUTED, fontsize=7.5)
        axes.margins(x=0.08)
        write_title(axes, _head(metric, direction))

    return draw_rows(draw, names, right=0.55)


def draw_scatter(points: Sequence[Point], *, metric: str, direction: str, untrained: float | None) -> str:
    """Draws score against accuracy with a dashed line for the untrained target; returns SVG."""
    known = [point for point in points if point.accuracy is not None]

    def draw(axes: "Axes") -> None:
        colours = [point.colour for point in known]
        x, y = (np.array([getattr(point, name) for point in known], dtype=float) for name in ("value", "accuracy"))
        low, high = _ends(known)
        least = [
            value if point.accuracy_low is None else point.accuracy_low for value, point in zip(y, known, strict=True)
        ]
        most = [
            value if point.accuracy_high is None else point.accuracy_high for value, point in zip(y, known, strict=True)
        ]
        axes.hlines(y, low, high, colors=SOFT, linewidth=1.1, alpha=0.8)
        axes.vlines(x, least, most, colors=SOFT, linewidth=1.1, alpha=0.8)
        axes.scatter(x, y, s=42, c=colours, zorder=3, linewidths=0)
        axes.margins(x=0.12, y=0.12)
        if untrained is not None:
            axes.axhline(untrained, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
            axes.text(0.995, untrained, "untrained", transform=axes.get_yaxis_transform(), ha="right", va="bottom",
                      color=MUTED, fontsize=7.5)  # fmt: skip
        axes.set(xlabel=_head(metric, direction), ylabel="accuracy")
        level = [] if untrained is None else [(min(low), untrained, max(high), untrained)]
        bars = [*zip(low, y, high, y, strict=True), *zip(x, least, x, most, strict=True), *level]
        write_labels(axes, list(zip(x, y, [shorten_label(point.label) for point in known], strict=True)), bars)

    return draw_chart(draw, width=WIDTH, height=3.3, margins=(0.65, 0.15, 0.55, 0.15))


def draw_distributions(
    examples: Mapping[str, NDArray], means: Mapping[str, float], *, metric: str, direction: str
) -> str:
    """Draws scores per example: box over the middle half, whiskers to 5 and 95 %, a dot at the value; returns SVG."""
    names = [shorten_label(label) for label in examples]
    cuts = {label: np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]) for label, values in examples.items()}

    def draw(axes: "Axes") -> None:
        name_rows(axes, names)
        ends = np.concatenate([*cuts.values(), list(means.values())])
        if ends.min() > 0 and ends.max() > 30 * ends.min():
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
        for row, (label, values) in enumerate(examples.items()):
            low, *_, high = cuts[label]
            if len(values) <= FEW_POINTS:
                shown = np.sort(values[(values >= low) & (values <= high)])
                lift = (np.arange(len(shown)) * 0.618 % 1 - 0.5) * 0.6
                axes.plot(shown, row + lift, "o", color=SOFT, markersize=2.6, alpha=0.55, markeredgewidth=0)
        places = np.arange(len(names))
        low, first, middle, third, high = np.array(list(cuts.values())).T
        axes.hlines(places, low, high, colors=MUTED, linewidth=1)
        axes.barh(
            places, third - first, left=first, height=0.5, color=PAPER, edgecolor=ACCENT, linewidth=1.2, alpha=0.85
        )
        axes.vlines(middle, places - 0.25, places + 0.25, colors=ACCENT, linewidth=2)
        axes.scatter([means[label] for label in examples], places, s=20, c=INK, zorder=4, linewidths=0)
        axes.margins(x=0.04)
        write_title(axes, _head(metric, direction))

    return draw_rows(draw, names, right=0.15)


def draw_reliability(curve: Sequence[Mapping[str, float]], *, metric: str) -> str:
    """Draws predicted chances against observed shares; exact predictions lie on the dashed line; returns SVG."""
    predicted = [100 * point["predicted"] for point in curve]
    happened = [100 * point["happened"] for point in curve]

    def draw(axes: "Axes") -> None:
        axes.plot([0, 100], [0, 100], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.plot(predicted, happened, color=ACCENT, linewidth=1.4, marker="o", markersize=6.5)
        low = min(40.0, *(value - 5 for value in [*happened, *predicted]))
        axes.set(xlim=(low, 100), ylim=(low, 100), xlabel="predicted chance, %", ylabel="really better, %")
        axes.grid(visible=True)
        write_title(axes, metric)

    return draw_chart(draw, width=WIDTH, height=3.3, margins=(0.65, 0.2, 0.55, 0.4))


def draw_heat_map(table: pd.DataFrame, *, metric: str) -> str:
    """Draws Spearman from -1 (red) to 1 (blue), tasks by targets, grey where undefined; returns SVG."""
    from matplotlib import colormaps

    values = table.to_numpy(dtype=float, na_value=np.nan)
    tasks, targets = [shorten_label(str(name)) for name in table.index], [shorten_label(str(name)) for name in table]

    def draw(axes: "Axes") -> None:
        name_rows(axes, tasks)
        for row, column in np.ndindex(*values.shape):
            rho = values[row, column]
            fill: Any = LINE if np.isnan(rho) else colormaps["RdBu"](0.5 + rho / 2)
            ink = INK if np.isnan(rho) else PALE if abs(rho) > 0.62 else DARK
            axes.fill_between([column, column + 1], row - 0.5, row + 0.5, color=fill, edgecolor=PAPER, linewidth=1.5)
            axes.text(column + 0.5, row, "n/a" if np.isnan(rho) else f"{rho:.2f}", ha="center", va="center",
                      color=ink, fontsize=8)  # fmt: skip
        axes.set(xlim=(0, len(targets)))
        axes.set_xticks(np.arange(len(targets)) + 0.5, targets)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.grid(visible=False)
        write_title(axes, metric)

    left = _label_inches(tasks)
    width = max(0.72, 0.15 + max(map(_text_inches, targets)))
    height = 0.72 + 0.27 * len(tasks)
    return draw_chart(
        draw,
        width=left + width * len(targets) + 0.1,
        height=height,
        margins=(left, 0.1, 0.08, height - 0.08 - 0.27 * len(tasks)),
    )


def _ends(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    """The ends of the intervals; both are the value itself where there is none."""
    low = [point.value if point.low is None else point.low for point in points]
    return low, [point.value if point.high is None else point.high for point in points]


def name_rows(axes: "Axes", names: Sequence[str]) -> None:
    """Gives the axes a row per name, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")
    axes.spines["left"].set_visible(False)


def write_title(axes: "Axes", text: str) -> None:
    """Writes the title at the edge of the figure, clear of the axes' labels."""
    figure = axes.get_figure()
    assert figure is not None
    height = figure.bbox.height
    figure.text(
        4 / figure.bbox.width, 1 - 10 / height, shorten_label(text, 45), va="center", fontsize=9.5, weight="bold"
    )


def draw_rows(draw: Any, names: Sequence[str], *, right: float) -> str:
    """Draws a panel with a row per name; returns SVG."""
    height = 0.75 + 0.27 * len(names)
    return draw_chart(draw, width=WIDTH, height=height, margins=(_label_inches(names), right, 0.3, 0.42))


def _label_inches(names: Sequence[str]) -> float:
    return 0.15 + max((_text_inches(name) for name in names), default=0)


def _text_inches(text: str) -> float:
    return 0.068 * len(text)


def _head(metric: str, direction: str) -> str:
    return f"{shorten_label(metric)} ({DIRECTIONS.get(direction, direction)})"
