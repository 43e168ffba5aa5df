"""The tables of a report beside its two main ones: each is a csv file, and most are shown on the page."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sppl.report.tables import write_csv


@dataclass
class ExtraTables:
    """Extra tables of one report.

    Args:
        folder: the folder of the report.
        shown: titles and tables for the page, in the order they were added.
    """

    folder: Path
    shown: dict[str, pd.DataFrame] = field(default_factory=dict)

    def add(self, frame: pd.DataFrame, file: str, title: str = "") -> bool:
        """Writes a table as `<file>.csv` and shows it under its title, if any; returns whether it has rows."""
        if frame.empty:
            return False
        write_csv(self.folder, file, frame)
        if title:
            self.show(frame, title)
        return True

    def show(self, frame: pd.DataFrame, title: str) -> None:
        """Shows a table with rows on the page only."""
        if not frame.empty:
            self.shown[title] = frame
