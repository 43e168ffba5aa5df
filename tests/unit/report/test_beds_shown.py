import io
import re
import sys
from pathlib import Path

import pandas as pd
import pytest

from sppl.report.bed_lines import show_beds

ROW = {
    "bed": "mine", "selector": "sppl_n2", "cases": 12, "note": "", "top1": 0.25, "brier": 0.2244, "brier_coin": 0.246,
    "spearman": 0.32, "spearman_low": 0.18, "spearman_high": 0.46, "regret": 0.0095, "regret_low": 0.0063,
    "regret_high": 0.0134, "of_random": 0.40, "of_random_low": 0.25, "of_random_high": 0.63,
}  # fmt: skip
PILOTED = ROW | {"selector": "2 best by sppl_n2, piloted", "spearman": float("nan"), "brier": float("nan")}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, rows, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", screen := Terminal())
    show_beds("beds", pd.DataFrame(rows), Path("reports/beds"))
    return re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())


@pytest.mark.parametrize("columns", [80, 100, 130, 200])
def test_no_figure_and_no_name_is_cut_at_any_width(monkeypatch, columns):
    text = shown(monkeypatch, [ROW, PILOTED], columns)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= columns
    for figure in ("0.32", "0.95", "25 %", "0.40", "0.224", "12", "sppl_n2", "piloted", "random's", "Spearman"):
        assert figure in text


def test_intervals_and_the_coins_score_are_shown_where_there_is_room_and_named_where_not(monkeypatch):
    assert "0.95 [0.63, 1.34]" in (wide := shown(monkeypatch, [ROW], 130))
    assert "0.224 (0.246)" in wide
    assert "[0.63" not in (narrow := shown(monkeypatch, [ROW], 80))
    assert "in beds.csv, like 95 % intervals" in " ".join(narrow.split())


def test_a_column_in_which_nothing_stands_is_left_out(monkeypatch):
    assert "Spearman " not in shown(monkeypatch, [PILOTED], 130).split("Spearman: of")[0]
