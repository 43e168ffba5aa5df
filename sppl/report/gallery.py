"""Collects the figures of one page, each inside the page and as a file beside it."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from sppl.artifacts.provenance import write_anew
from sppl.report.markup import Markup, element, join_markup
from sppl.report.svg import inline_svg
from sppl.schemas import UserError


@dataclass
class Gallery:
    """A folder of SVG files, whose names are safe and unique."""

    folder: Path
    names: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)

    def figure(self, svg: str, words: tuple[str, ...], *, label: str, caption: str = "") -> Markup:
        """Writes a figure to its file and returns it as a part of the page.

        Args:
            svg: of `sppl.report.svg.draw_chart`.
            words: its name, from general to special.
            label: a description for those who cannot see it.
            caption: the text below it.
        """
        name = self._free("-".join(re.sub(r"[^\w.]+", "_", word).strip("._") or "_" for word in words))
        if self.folder.is_symlink():  # figures of other pages are removed there
            raise UserError(f"{self.folder} is a link; remove it, so that the figures lie beside their page")
        self.folder.mkdir(parents=True, exist_ok=True)
        write_anew(self.folder / f"{name}.svg", svg)
        drawing = Markup(inline_svg(svg, label=label, key=f"f{len(self.names)}"))
        below = [element("figcaption", caption)] if caption else []
        return join_markup(element("figure", drawing, *below), Markup("\n"))

    def once(self, words: str) -> str:
        """Returns an explanation the first time it is needed on the page; afterwards an empty text."""
        known = words in self.told
        self.told.add(words)
        return "" if known else words

    def tidy(self) -> None:
        """Removes files of figures that are not on this page any more."""
        for path in self.folder.glob("*.svg"):
            if path.stem not in self.names:
                path.unlink()

    def _free(self, wanted: str) -> str:
        name, number = wanted[:150], 1
        while name.lower() in {one.lower() for one in self.names}:
            number += 1
            name = f"{wanted[:150]}-{number}"
        self.names.add(name)
        return name
