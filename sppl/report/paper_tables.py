"""Writes the paper's four tables from its records, by its conventions and by sound ones."""

from pathlib import Path

import pandas as pd

from sppl.analysis.conventions import PAPER, SOUND
from sppl.analysis.paper import compare_figures, match_line, paper_tables
from sppl.artifacts.store import Store
from sppl.report.tables import write_table


def write_paper_tables(folder: Path, records: Path) -> tuple[dict[str, dict[str, pd.DataFrame]], str]:
    """Writes the tables as csv, md and tex: `metrics_main`, ... by the paper's conventions, `..._sound` by sound ones.

    Returns:
        Conventions -> table name -> the table as printed; and how many published figures they match.
    """
    store = Store(str(records))
    scores, outcomes = (store.read(store.artifacts(kind)[0]) for kind in ("scores", "outcomes"))
    made = {one.name: paper_tables(scores, outcomes, conventions=one) for one in (PAPER, SOUND)}
    for conventions, tables in made.items():
        for name, frame in tables.items():
            write_table(folder, name if conventions == PAPER.name else f"{name}_{conventions}", frame)
    published = sorted((records.parent / "published").glob("*.csv"))
    cells = [
        compare_figures(pd.read_csv(path, dtype=str, keep_default_na=False), made[PAPER.name][path.stem])
        for path in published
    ]
    return made, match_line(pd.concat(cells))
