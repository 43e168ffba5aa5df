"""Labels at the dots of a chart, where they hide least."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sppl.visible import on_one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST = 30
SIZE = 8.0
SIDES = (
    ("left", "center", 6, 0),
    ("right", "center", -6, 0),
    ("center", "bottom", 0, 6),
    ("center", "top", 0, -6),
    ("left", "bottom", 5, 4),
    ("left", "top", 5, -4),
    ("right", "bottom", -5, 4),
    ("right", "top", -5, -4),
    ("left", "bottom", 8, 12),
    ("left", "top", 8, -12),
    ("right", "bottom", -8, 12),
    ("right", "top", -8, -12),
)
"""Alignment of a label and its offset from the dot in points, the preferred first."""
Box = tuple[float, float, float, float]


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text on one line, its end cut off where it is too long for a chart."""
    line = on_one_line(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def write_labels(axes: "Axes", points: Sequence[tuple[float, float, str]], bars: Sequence[Box]) -> None:
    """Writes a text at each `(x, y, text)`, where it covers least of the dots, the bars and the texts before it.

    Args:
        axes: limits and margins are final.
        points: in the coordinates of the data.
        bars: the ends `(x, y, x, y)` of lines across or upright, in the same coordinates.
    """
    axes.autoscale_view()
    frame = axes.get_window_extent()
    inside: Box = (frame.x0, frame.y0, frame.x1, frame.y1)
    dots = [tuple(axes.transData.transform((x, y))) for x, y, _ in points]
    taken: list[Box] = [(x - 4, y - 4, x + 4, y + 4) for x, y in dots]
    ends = [(*axes.transData.transform(bar[:2]), *axes.transData.transform(bar[2:])) for bar in bars]
    taken += [(x0 - 1, y0 - 1, x1 + 1, y1 + 1) for x0, y0, x1, y1 in ends]
    for (x, y, text), dot in zip(points, dots, strict=True):
        boxes = [_box(dot, text, side) for side in SIDES]
        best = min(range(len(SIDES)), key=lambda side: (_hidden(boxes[side], taken, inside), side))
        across, upright, right, up = SIDES[best]
        taken.append(boxes[best])
        axes.annotate(
            text, (x, y), xytext=(right, up), textcoords="offset points", ha=across, va=upright, fontsize=SIZE
        )


def _box(dot: tuple[float, ...], text: str, side: tuple[str, str, int, int]) -> Box:
    across, upright, right, up = side
    width, height = 0.6 * SIZE * len(text) + 4, 1.2 * SIZE
    left = dot[0] + right - {"left": 0.0, "center": 0.5, "right": 1.0}[across] * width
    bottom = dot[1] + up - {"bottom": 0.0, "center": 0.5, "top": 1.0}[upright] * height
    return left, bottom, left + width, bottom + height


def _hidden(box: Box, taken: Sequence[Box], inside: Box) -> float:
    """Square points of others that the box covers, what sticks out of the frame counting double."""
    area = (box[2] - box[0]) * (box[3] - box[1])
    return sum(_shared(box, other) for other in taken) + 2 * (area - _shared(box, inside))


def _shared(one: Box, other: Box) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    upright = min(one[3], other[3]) - max(one[1], other[1])
    return max(across, 0.0) * max(upright, 0.0)
