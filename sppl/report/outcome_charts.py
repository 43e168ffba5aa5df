"""Draws outcomes of training: paired differences, and accuracy along a setting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sppl.report.charts import WIDTH, draw_rows, name_rows, write_title
from sppl.report.labels import shorten_label
from sppl.report.svg import ACCENT, MUTED, SOFT, draw_chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (ACCENT, "#b4572a", "#5a8f3c", "#7a5aa6", "#b08b1e", "#3f6fb5", "#a34a7a", MUTED)
MARKS = "osD^vPX*"
"""Marks of the lines, which differ so that lines can be told apart without colours."""


@dataclass(frozen=True)
class Difference:
    """How much more often one strategy is right than another: a fraction with its interval."""

    label: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class AccuracyAt:
    """An accuracy (fraction) at one value of a setting, with its interval where that is known."""

    at: float
    accuracy: float
    low: float | None = None
    high: float | None = None


def draw_differences(found: Sequence[Difference], *, heading: str) -> str:
    """Draws differences in points with their intervals and a line at 0; returns SVG."""
    names = [shorten_label(one.label, 44) for one in found]

    def draw(axes: "Axes") -> None:
        name_rows(axes, names)
        axes.axvline(0, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
        places = range(len(found))
        colours = [SOFT if one.low <= 0 <= one.high else ACCENT for one in found]
        axes.hlines(places, [100 * one.low for one in found], [100 * one.high for one in found], colors=colours,
                    linewidth=3, alpha=0.55)  # fmt: skip
        axes.scatter([100 * one.value for one in found], places, s=46, c=colours, zorder=3, linewidths=0)
        axes.margins(x=0.08)
        write_title(axes, heading)

    return draw_rows(draw, names, right=0.2)


def draw_accuracies(
    lines: Mapping[str, Sequence[AccuracyAt]], *, setting: str, heading: str, untrained: float | None
) -> str:
    """Draws a line per strategy over the values of a setting, dashed for the untrained target; returns SVG."""
    values = sorted({one.at for found in lines.values() for one in found})

    def draw(axes: "Axes") -> None:
        for at, (label, found) in enumerate(lines.items()):
            colour, x = COLOURS[at % len(COLOURS)], [one.at for one in found]
            axes.plot(x, [one.accuracy for one in found], color=colour, marker=MARKS[at % len(MARKS)], markersize=5,
                      linewidth=1.5, label=shorten_label(label))  # fmt: skip
            known = [(one.at, one.low, one.high) for one in found if one.low is not None and one.high is not None]
            if known:
                axes.vlines(*zip(*known, strict=True), colors=colour, linewidth=1.1, alpha=0.5)
        if untrained is not None:
            axes.axhline(untrained, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), label="untrained")
        if values[0] > 0 and values[-1] >= 8 * values[0]:
            axes.set_xscale("log")
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.minorticks_off()
        axes.set(xlabel=setting, ylabel="accuracy")
        axes.grid(visible=True, axis="y")
        axes.legend(loc="best", fontsize=7.5, frameon=False)
        write_title(axes, heading)

    return draw_chart(draw, width=WIDTH, height=3.3, margins=(0.65, 0.2, 0.55, 0.4))
