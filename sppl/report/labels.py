"""Places labels at the dots of a chart where they hide least."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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


def shorten_label(text: str, longest: int = LONGEST) -> str:
    """Returns the text on one line, cut where it is too long for a chart."""
    line = on_one_line(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def write_labels(axes: "Axes", points: Sequence[tuple[float, float, str]], bars: Sequence[Box]) -> None:
    """Writes a text at each `(x, y, text)`, placed where it covers least of dots, bars and earlier texts.

    Args:
        axes: its limits and margins have to be final.
        points: in the coordinates of the data.
        bars: the ends `(x, y, x, y)` of lines across or upright, in the same coordinates.
    """
    axes.autoscale_view()
    frame = axes.get_window_extent()
    inside = np.array([[frame.x0, frame.y0, frame.x1, frame.y1]])
    dots = axes.transData.transform([(x, y) for x, y, _ in points]) if points else np.empty((0, 2))
    ends = axes.transData.transform(np.array(bars, float).reshape(-1, 2)).reshape(-1, 4)
    taken = np.empty((2 * len(points) + len(bars), 4))  # the boxes of dots, bars, and the texts written so far
    taken[: len(points)] = np.hstack([dots - 4, dots + 4])
    taken[len(points) : len(points) + len(bars)] = ends + np.array([-1, -1, 1, 1])
    for at, ((x, y, text), dot) in enumerate(zip(points, dots, strict=True), len(points) + len(bars)):
        boxes = np.array([_box(dot, text, side) for side in SIDES])
        best = int(np.argmin(_hidden(boxes, taken[:at], inside)))
        across, upright, right, up = SIDES[best]
        taken[at] = boxes[best]
        axes.annotate(
            text, (x, y), xytext=(right, up), textcoords="offset points", ha=across, va=upright, fontsize=SIZE
        )


def _box(dot: NDArray, text: str, side: tuple[str, str, int, int]) -> Box:
    across, upright, right, up = side
    width, height = 0.6 * SIZE * len(text) + 4, 1.2 * SIZE
    left = dot[0] + right - {"left": 0.0, "center": 0.5, "right": 1.0}[across] * width
    bottom = dot[1] + up - {"bottom": 0.0, "center": 0.5, "top": 1.0}[upright] * height
    return left, bottom, left + width, bottom + height


def _hidden(boxes: NDArray, taken: NDArray, inside: NDArray) -> NDArray:
    """Square points of others that each box covers, what sticks out of the frame counting double."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return _shared(boxes, taken).sum(axis=1) + 2 * (area - _shared(boxes, inside)[:, 0])


def _shared(boxes: NDArray, others: NDArray) -> NDArray:
    """Square points that each of the boxes (rows) shares with each of the others (columns)."""
    one, other = boxes[:, None, :], others[None, :, :]
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    return np.maximum(sides, 0.0).prod(axis=2)
