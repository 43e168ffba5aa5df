"""Cells of a sortable table, and what is escaped."""

import pandas as pd
import pytest

from sppl.report.gallery import Gallery
from sppl.report.markup import Markup, element, join_markup
from sppl.report.sortable import Cell, sortable_table, value_cell


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (0.12345, Cell("0.123", 0.12345)),
        (3, Cell("3", 3.0)),
        ("gpt4", Cell("gpt4", "gpt4")),
        (pd.NA, Cell("n/a", None, "not trained")),
        (float("nan"), Cell("n/a", None, "not trained")),
        (None, Cell("n/a", None, "not trained")),
    ],
)
def test_a_cell_shows_three_decimals_and_sorts_by_the_whole_value(value, cell):
    assert value_cell(value, reason="not trained") == cell


def test_equal_reasons_are_told_once_with_all_their_columns():
    missing = value_cell(None, reason="not trained")
    table = sortable_table({"a": [missing, missing], "b": [missing, value_cell(1.0)]}, label="t")
    assert table.count("n/a in a, b: not trained") == 1


def test_a_heading_is_a_button_and_a_number_says_that_it_is_one():
    table = sortable_table({"strategy": [value_cell("gpt4")], "value": [value_cell(1.5)]}, label="t")
    assert '<th scope="col"><button type="button">strategy</button></th>' in table
    assert '<td data-sort="gpt4">gpt4</td>' in table
    assert '<td class="number" data-sort="1.5" data-number>1.500</td>' in table


def test_plain_text_is_escaped_and_markup_is_not():
    assert element("p", "<b> & co", element("b", "x"), title='"') == '<p title="&quot;">&lt;b&gt; &amp; co<b>x</b></p>'
    assert join_markup("<", Markup("<br>")) == "&lt;<br>"


def test_file_names_of_figures_are_safe_and_different(tmp_path):
    gallery = Gallery(tmp_path)
    for words in (("../a b", "m"), ("../a/b", "m"), ("A_B", "m")):
        gallery.figure("<svg ></svg>", words, label="x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["A_B-m-3.svg", "a_b-m-2.svg", "a_b-m.svg"]
