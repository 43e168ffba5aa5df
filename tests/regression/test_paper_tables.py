from pathlib import Path

import pandas as pd
import pytest

from sppl.analysis.paper import compare_figures, is_tie_order, match_line, paper_tables
from sppl.artifacts.store import Store

PAPER = Path(__file__).parents[2] / "experiments" / "paper"
SOURCE = {"repository": "XuanRen4470/SPPL", "commit": "48d727e78"}
TIE_ORDER = [
    ("all", "CAR"),
    ("std>0.02", "CAR"),
    ("std>0.02", "IDF"),
    ("std>0.04", "IDF"),
]


@pytest.fixture(scope="module")
def cells():
    store = Store(str(PAPER / "records"))
    scores, outcomes = (store.read(store.artifact_id(kind, settings=SOURCE)) for kind in ("scores", "outcomes"))
    made = paper_tables(scores, outcomes)
    published = {
        name: pd.read_csv(PAPER / "published" / f"{name}.csv", dtype=str, keep_default_na=False)
        for name in made
        if name.endswith("main")
    }
    return pd.concat([compare_figures(table, made[name]).assign(table=name) for name, table in published.items()])


def test_every_published_figure_is_made_again_but_for_the_order_of_tied_scores(cells):
    assert len(cells) == 228
    off = cells[~cells["match"]]
    assert off[~is_tie_order(off)].empty, off.to_string()
    assert len(cells) - len(off) == 224
    assert list(zip(off["block"], off["method"], strict=True)) == TIE_ORDER, off.to_string()
    assert match_line(cells) == "224 of 228 published cells match, 4 differ by tie order"


def test_a_figure_that_is_off_is_named(cells):
    wrong = cells.iloc[:1].assign(match=False, made="59.40", difference=0.01)
    assert match_line(wrong).endswith("tie order, 1 do not match: all Upper bound n_pairs: 59.40, published 51")
