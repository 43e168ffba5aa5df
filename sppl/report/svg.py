"""Figures as SVG, the same bytes for the same data, as a file and inside a page."""

import re
import warnings
from collections.abc import Callable
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

from sppl.visible import make_visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, LINE, PAPER = "#1c2430", "#5b6675", "#d3dae2", "#ffffff"
ACCENT, SOFT = "#1f6f8b", "#8fb8c6"
VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", PAPER: "paper", ACCENT: "accent", SOFT: "soft"}
"""Colours that follow the page's light or dark ones where a figure lies inside it."""

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "sppl",
    "svg.fonttype": "none",
    "text.parse_math": False,  # a strategy may be called $x$
    "axes.unicode_minus": True,
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.5,
    "axes.linewidth": 0.8,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.facecolor": PAPER,
    "figure.facecolor": PAPER,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
}


def draw_chart(
    draw: Callable[["Axes"], None], *, width: float, height: float, margins: tuple[float, float, float, float]
) -> str:
    """Returns the SVG of one panel as a file of its own.

    Args:
        draw: draws on the axes it is given.
        width: of the figure, in inches.
        height: of the figure, in inches.
        margins: left, right, bottom and top, in inches.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    left, right, bottom, top = margins
    inside = (left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height)
    # What a name lacks in matplotlib's font, the reader's own fonts have: the text stays text.
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(width, height), dpi=72)
        axes = figure.add_axes(inside)
        axes.spines[["top", "right"]].set_visible(False)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
        draw(axes)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return text.getvalue()


def inline_svg(svg: str, *, label: str, key: str) -> str:
    """Returns the SVG as a part of a page: no prolog, the page's colours and font, unique ids.

    Args:
        svg: of `draw_chart`.
        label: a description for those who cannot see the figure.
        key: a word that is unique to this figure.
    """
    body = re.sub(r"<style.*?</style>|<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    tags = "".join(re.findall(r"<[^>]+>", body))
    used = set(re.findall(r"(?:url\(|href=\")#([\w-]+)", tags))
    # Names of strategies stand between tags only, where nothing is touched.
    body = re.sub(r"<[^>]+>", lambda tag: _cleaned(tag[0], used, key), body)
    body = re.sub(r">\s+<", "><", body)
    return body.replace("<svg ", f'<svg role="img" aria-label="{escape(make_visible(label))}" ', 1)


def _cleaned(tag: str, used: set[str], key: str) -> str:
    tag = re.sub(r' id="([\w.-]+)"', lambda found: f' id="{key}-{found[1]}"' if found[1] in used else "", tag)
    tag = re.sub(r'(url\(|href=")#', rf"\1#{key}-", tag).replace("xlink:href", "href")
    tag = re.sub(r"font-family: [^;]*; |font-weight: 400; | xmlns:xlink=\"[^\"]*\"", "", tag)
    tag = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", tag)
    for colour, variable in VARIABLES.items():
        tag = tag.replace(colour, f"var(--{variable})")
    return re.sub(r"\s+", " ", re.sub(r"(\.\d\d)\d+", r"\1", tag))
