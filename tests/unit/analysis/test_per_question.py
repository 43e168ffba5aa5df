from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sppl.analysis.per_question import _same_order, per_question


@dataclass(frozen=True)
class Mean:
    name: str = "sppl_n2"
    higher_is_better: bool | None = False

    def aggregate(self, scores):
        return float(scores["value"].mean())


def found(metric: Mean | None = None, **values: list[float]) -> pd.DataFrame:
    examples = {name: pd.DataFrame({"value": of}) for name, of in values.items()}
    return pd.DataFrame(per_question(examples, metric or Mean())).T


def test_a_strategy_wins_the_questions_on_which_it_is_best():
    table = found(gpt4=[1.0, 1.0, 1.0, 9.0], claude=[2.0, 2.0, 2.0, 2.0])
    assert table["share_won"].tolist() == [0.75, 0.25]


def test_a_tie_is_shared():
    assert found(a=[1.0, 3.0], b=[1.0, 2.0], c=[5.0, 5.0])["share_won"].tolist() == [0.25, 0.75, 0]


def test_the_highest_wins_where_higher_is_better():
    assert found(Mean(higher_is_better=True), a=[1.0], b=[2.0])["share_won"].tolist() == [0, 1]


def test_what_is_common_to_all_strategies_is_no_spread_of_theirs():
    table = found(a=[1.0, 11.0, 21.0], b=[3.0, 13.0, 23.0])  # always 2 apart: within 0, between 1
    assert table["spread_ratio"].tolist() == [0, 0]
    table = found(a=[1.0, 11.0], b=[3.0, 17.0])  # leads -1 and -3, within 1; means 6 and 10, between 2
    assert table["spread_ratio"].tolist() == pytest.approx([0.5, 0.5])


def test_an_order_that_every_question_has_needs_the_fewest_questions():
    assert found(a=[1.0] * 40, b=[2.0] * 40)["n_needed"].tolist() == [5, 5]


def test_an_order_that_all_questions_do_not_settle_needs_more_than_there_are():
    rng = np.random.default_rng(0)
    table = found(a=rng.normal(0, 1, 30).tolist(), b=rng.normal(0, 1, 30).tolist(), c=rng.normal(0, 1, 30).tolist())
    assert table["n_needed"].isna().all()


def test_without_a_direction_or_a_rival_nothing_is_won():
    assert found(Mean(higher_is_better=None), a=[1.0], b=[2.0]).isna().all(axis=None)
    assert found(a=[1.0]).isna().all(axis=None)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(*[st.floats(0.1, 9)] * 3), min_size=1, max_size=12))
def test_every_question_is_won_once(rows):
    columns = [list(column) for column in zip(*rows, strict=True)]
    table = found(**dict(zip("abc", columns, strict=True)))
    assert table["share_won"].sum() == pytest.approx(1)
    needed = table["n_needed"].iloc[0]
    assert pd.isna(needed) or 1 <= needed <= len(rows)


@given(st.integers(1, 5).flatmap(lambda n: st.lists(st.lists(st.integers(0, 3), min_size=n, max_size=n), min_size=2)))
def test_an_order_is_the_same_where_every_two_stand_to_each_other_as_before(rows):
    drawn, order = np.array(rows[1:], dtype=float), np.array(rows[0], dtype=float)
    pairs = [(a, b) for a in range(len(order)) for b in range(len(order))]
    expected = [all(np.sign(row[a] - row[b]) == np.sign(order[a] - order[b]) for a, b in pairs) for row in drawn]
    assert _same_order(drawn, order).tolist() == expected
