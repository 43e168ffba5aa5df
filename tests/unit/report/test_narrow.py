"""Tables at any width of a terminal: nothing is cut off."""

import re
from io import StringIO

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sppl.report.narrow import Column, broken, folded, print_table
from sppl.report.terminal import show
from tests.unit.report.frames import Mean, examples, outcomes, report_of


def printed(columns: list[Column], width: int, **given_: str) -> str:
    out = StringIO()
    print_table(Console(file=out, width=width, markup=False, emoji=False, highlight=False), "title", columns, **given_)
    return out.getvalue()


WIDE = [
    Column("strategy", ["gpt4 (simulated)", "claude"], text=True),
    *(Column(f"a_metric_with_number_{at}", ["12345.678 (1)", "0.001 (2)"]) for at in range(9)),
]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_what_does_not_fit_goes_below_under_the_same_first_column(width):
    text = printed(WIDE, width)
    assert text.count("12345.678 (1)") == 9
    assert text.count("gpt4") == text.count("┏") > 1
    assert "…" not in text
    assert all(len(line) <= width for line in text.splitlines())


def test_of_a_sweep_every_part_of_a_table_says_which_setting_a_row_is_of(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    names = [f"metric_number_{at}" for at in range(4)]
    scores = pd.concat([examples(name, {"gpt4": [1.0, 2.0], "claude": [2.0, 3.0]}) for name in names])
    rates = [outcomes({"gpt4": 0.5, "claude": 0.4}).assign(setup=f"rate={rate}") for rate in (0.1, 0.2)]
    frames = report_of(scores, pd.concat(rates, ignore_index=True), [Mean(name) for name in names])
    show("swept", frames["rows"].assign(source=""), frames["judged"])
    heads = [line for line in capsys.readouterr().out.splitlines() if "┃ strategy" in line or "┃ metric" in line]
    assert len(heads) > 2
    assert all("┃ rate " in line for line in heads)


def test_a_word_of_a_first_column_is_whole_and_what_then_does_not_fit_goes_below():
    keys = [
        Column("strategy", ["gpt4 (simulated)", "untrained"], text=True),
        Column("learning_rate", ["0.0003", "0.001"], text=True),
        Column("n_train", ["20", "60"], text=True),
    ]
    numbers = [Column("accuracy [95 %]", ["0.550 [0.425, 0.669]"] * 2), Column("gain", ["-0.017", "+0.000"])]
    out = StringIO()
    print_table(Console(file=out, width=80, highlight=False), "title", [*keys, *numbers, WIDE[1]], keys=3)
    assert out.getvalue().count("gpt4 (simulated)") == out.getvalue().count("┏") == 2


def test_columns_that_say_nothing_are_left_out_and_keys_are_not():
    text = printed([Column("key", ["", ""], text=True), Column("gone", ["n/a", ""]), Column("kept", ["n/a", "1"])], 80)
    assert "key" in text
    assert "kept" in text
    assert "gone" not in text


def test_a_long_text_is_folded_and_wholly_there():
    name = "x" * 100
    text = printed([Column("strategy", [name], text=True), Column("value", ["1.000"])], 40)
    assert text.count("x") == 100
    assert "1.000" in text


def test_a_heading_is_broken_after_underscores_and_at_spaces():
    assert broken("rank_surprisal_ratio") == "rank_\nsurprisal_\nratio"
    assert broken("accuracy of the pick") == "accuracy of\nthe pick"
    assert broken("ifd") == "ifd"


cells = st.text("abc 1.-", max_size=12)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=6), st.integers(40, 130))
def test_no_line_is_wider_than_the_terminal(rows, width):
    columns = [Column("name", [row[0] for row in rows], text=True)]
    columns += [Column(f"m{at}", [row[1] or "n/a" for row in rows]) for at in range(7)]
    assert all(len(line) <= width for line in printed(columns, width).splitlines())


LONG = "rank_average_sppl_n2_and_rank_surprisal_ratio"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_long_name_in_a_cell_is_broken_after_underscores_and_never_inside_a_word(width):
    columns = [Column("metric", [LONG, "ifd"], text=True), Column("picked", [LONG, "gpt4"], text=True)]
    columns += [Column(f"figure {at}", ["12345.678 (1)", "1.000 (2)"]) for at in range(3)]
    text = printed(columns, width)
    words = re.findall(r"\w+", text)
    assert set(words) <= {
        *re.findall(r"\w+", " ".join(pieces_of(LONG))),
        "metric",
        "picked",
        "ifd",
        "gpt4",
        "title",
    } | {word for word in words if re.fullmatch(r"figure|[\d_]+", word)}


def pieces_of(name: str) -> list[str]:
    """Every run of whole parts of a name, which a line may hold."""
    parts = [f"{part}_" for part in name.split("_")[:-1]] + name.split("_")[-1:]
    return ["".join(parts[at:to]) for at in range(len(parts)) for to in range(at + 1, len(parts) + 1)]


def test_a_text_is_folded_at_spaces_and_underscores_and_nothing_of_it_is_lost():
    assert folded(f"best of {LONG}", 24) == "best of\nrank_average_sppl_n2_\nand_rank_surprisal_ratio"
    assert folded("ifd, in_context_gain_n2, lark", 20) == "ifd,\nin_context_gain_n2,\nlark"
    assert folded("short\nshort", 24) == "short\nshort"


@given(st.text("ab_ c", max_size=60), st.integers(4, 30))
def test_folding_keeps_every_letter(text, width):
    assert folded(text, width).replace("\n", "").replace(" ", "") == text.replace(" ", "")
