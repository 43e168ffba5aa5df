"""Figures: which point is drawn where, and how a figure becomes part of a page."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sppl.report import charts
from sppl.report.labels import shorten_label
from sppl.report.svg import INK, inline_svg

TEXT = "{http://www.w3.org/2000/svg}text"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(TEXT)]


def heights(svg: str) -> dict[str, float]:
    return {element.text or "": float(element.attrib["y"]) for element in ET.fromstring(svg).iter(TEXT)}


@pytest.fixture
def points() -> list[charts.Point]:
    return [
        charts.Point(
            "gpt4",
            1.4,
            low=1.3,
            high=1.5,
            p_first=0.83,
            accuracy=0.8,
            accuracy_low=0.7,
            accuracy_high=0.9,
            is_pick=True,
        ),
        charts.Point("claude", 1.6, accuracy=0.5),
        charts.Point("rewrite", 2.0),
    ]


def test_the_first_strategy_is_on_top_and_only_known_shares_are_written(points):
    svg = charts.draw_ranking(points, metric="sppl_n2", direction="lower")
    at = heights(svg)
    assert at["gpt4"] < at["claude"] < at["rewrite"]
    assert "sppl_n2 (lower is better)" in texts(svg)
    assert [text for text in texts(svg) if "%" in text] == ["83 %"]


def test_a_scatter_plot_labels_exactly_the_strategies_with_an_accuracy(points):
    found = texts(charts.draw_scatter(points, metric="sppl_n2", direction="lower", untrained=0.45))
    assert {"gpt4", "claude", "untrained", "accuracy"} <= set(found)
    assert "rewrite" not in found


def test_labels_of_dots_that_lie_close_do_not_cover_each_other():
    close = [charts.Point(f"strategy{at}", 1.0 + at / 1000, accuracy=0.5) for at in range(4)]
    far = charts.Point("far", 2.0, accuracy=0.9)
    at = heights(charts.draw_scatter([*close, far], metric="ifd", direction="lower", untrained=None))
    placed = sorted(at[point.label] for point in close)
    assert len({round(height) for height in placed}) >= 3


def test_a_heat_map_writes_every_value_and_n_a_where_there_is_none():
    table = pd.DataFrame({"a": [0.5, np.nan], "b": [-1.0, 1.0]}, index=["one", "two"])
    found = texts(charts.draw_heat_map(table, metric="ifd"))
    assert {"0.50", "-1.00", "1.00", "n/a", "one", "two", "a", "b"} <= set(found)


def test_long_tailed_scores_are_drawn_on_a_logarithmic_axis():
    examples = {"gpt4": np.geomspace(1, 10_000, 40)}
    found = texts(charts.draw_distributions(examples, {"gpt4": 900.0}, metric="perplexity", direction="lower"))
    assert {"10", "100", "1000"} <= set(found)


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=40))
def test_any_name_is_written_as_it_is(name):
    points = [charts.Point(name, 1.0, accuracy=0.5), charts.Point("other", 2.0, accuracy=0.6)]
    body = inline_svg(charts.draw_ranking(points, metric="m", direction="none"), label=name, key="f1")
    if wanted := shorten_label(name):
        assert wanted in texts(body)


def test_inside_a_page_ids_are_the_figures_own_and_colours_the_pages(points):
    svg = charts.draw_ranking(points, metric="m", direction="lower")
    body = inline_svg(svg, label='say "so"', key="f7")
    assert INK in svg
    assert "#" not in re.sub(r"#f7-", "", body)
    assert "var(--ink)" in body
    assert all(name.startswith("f7-") for name in re.findall(r'\bid="([^"]+)"', body))
    assert 'aria-label="say &quot;so&quot;"' in body
    assert ET.fromstring(body).attrib["role"] == "img"
