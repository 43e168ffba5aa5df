"""The figures of one page: each inside the page and as a file beside it."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from sppl.artifacts.provenance import write_anew
from sppl.report.markup import Markup, element, join_markup
from sppl.report.svg import inline_svg
from sppl.schemas import UserError


@dataclass
class Gallery:
    """A folder of SVG files; names of figures become file names that are safe and different from each other."""

    folder: Path
    names: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)

    def figure(self, svg: str, words: tuple[str, ...], *, label: str, caption: str = "") -> Markup:
        """The figure for the page, once its file is written.

        Args:
            svg: of `sppl.report.svg.draw_chart`.
            words: its name, from general to special.
            label: what it shows, for those who cannot see it.
            caption: below it.
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
        """What is said above figures, the first time; empty when the page has said it."""
        known = words in self.told
        self.told.add(words)
        return "" if known else words

    def tidy(self) -> None:
        """Removes the files of figures that are not of this page (any more)."""
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
