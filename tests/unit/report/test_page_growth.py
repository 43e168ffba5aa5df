"""A page of many strategies and metrics: labels are placed, and only so many plots are drawn."""

import numpy as np
import pandas as pd
import pytest

from sppl.report.labels import SIDES, _hidden, _shared
from sppl.stages.report import DRAWN_ROWS, _metrics_to_draw

BOXES = np.array([[0.0, 0, 2, 2], [10, 10, 12, 12]])


def test_what_boxes_share_is_an_area_and_nothing_where_they_are_apart():
    others = np.array([[1.0, 1, 3, 3], [2, 0, 4, 2]])  # one corner in common; an edge only
    assert _shared(BOXES, others).tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_what_sticks_out_of_the_frame_counts_double():
    inside, none = np.array([[0.0, 0, 1, 2]]), np.empty((0, 4))
    assert _hidden(BOXES[:1], none, inside).tolist() == [2 * (4 - 2)]
    assert len(_hidden(np.repeat(BOXES, 6, axis=0), none, inside)) == len(SIDES)


def rows(strategies: int, pairs: int = 1) -> pd.DataFrame:
    names = [(f"b{pair}", f"s{at}") for pair in range(pairs) for at in range(strategies)]
    return pd.DataFrame(names, columns=["benchmark", "strategy"]).assign(target_model="t")


@pytest.mark.parametrize(
    ("strategies", "metrics", "pairs", "drawn"),
    [(9, 19, 1, None), (200, 20, 1, 5), (DRAWN_ROWS + 1, 20, 1, 1), (9, 19, 12, 9), (9, 19, 13, 0)],
)
def test_no_more_is_drawn_than_a_page_can_show(strategies, metrics, pairs, drawn):
    names = [f"m{at}" for at in range(metrics)]
    found = _metrics_to_draw(rows(strategies, pairs), names)
    assert found == (None if drawn is None else names[:drawn])
