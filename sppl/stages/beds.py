"""beds: tests how well every metric and selector picks, on outcomes that others or the user measured."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sppl.analysis.bed import Bed
from sppl.analysis.bed_checks import brier_scores
from sppl.analysis.bed_table import bed_table, cases
from sppl.artifacts.store import Store
from sppl.data.bed_files import read_bed
from sppl.packaged import in_checkout
from sppl.report.bed_lines import show_beds
from sppl.report.tables import write_csv, write_table
from sppl.schemas import UserError
from sppl.study.loggers import Loggers, no_loggers
from sppl.study.own_bed import MINE, own_bed
from sppl.study.plan import Plan

log = logging.getLogger(__name__)
PUBLISHED = "experiments/beds"


def beds(
    *,
    name: str,
    folder: str,
    beds: Sequence[str],
    store: Store,
    dry: bool = False,
    loggers: Loggers = no_loggers,  # noqa: ARG001 - the interface of every stage
) -> Plan:
    """Writes `beds.csv` (and md, tex) and `cases.csv` into the folder and shows the table; the store stays as it is.

    Args:
        name: of the report.
        folder: of the report.
        beds: names in `experiments/beds`, folders, or `mine`: the studies of the user's own store.

    Raises:
        UserError: there is no such bed, two have the same name, or one cannot be used.
    """
    if dry:
        return Plan((), ())
    found = [_read_bed(one, store) for one in beds]
    twice = sorted({one.name for one in found if sum(other.name == one.name for other in found) > 1})
    if twice:
        raise UserError(f"beds: several are named {', '.join(twice)}; rename the folder of one, its name is the bed's")
    if not found:
        raise UserError(f"beds=[]: name a bed; there are {', '.join(_published())}, {MINE} and any folder of your own")
    for bed in found:
        if alone := bed.alone():
            log.info("%s: only one strategy was trained for %s: left out", bed.name, ", ".join(alone))
    every = pd.concat([cases(bed) for bed in found], ignore_index=True)
    table = bed_table(every).merge(brier_scores(found), how="left", on=["bed", "selector"])
    write_table(Path(folder), "beds", table)
    write_csv(Path(folder), "cases", every)
    show_beds(name, table, Path(folder))
    return Plan((), ())


def _read_bed(name: str, store: Store) -> Bed:
    if name == MINE:
        return own_bed(store)
    if Path(name).is_dir():
        return read_bed(Path(name))
    if name in _published():
        return read_bed(Path(in_checkout(f"{PUBLISHED}/{name}")))
    raise UserError(
        f"beds: {name} is neither a folder nor one of {', '.join(_published())} or {MINE}; a bed of your own is a "
        "folder with scores.csv, outcomes.csv and source.md (docs/beds.md)"
    )


def _published() -> list[str]:
    return sorted(path.parent.name for path in Path(in_checkout(PUBLISHED)).glob("*/outcomes.csv"))
