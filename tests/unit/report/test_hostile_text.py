"""Names that would do something in a spreadsheet, a document, a terminal: they are read there and do nothing."""

import csv
import io
import os
import re
import subprocess
import sys
from unicodedata import category

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from sppl.report.tables import to_csv, to_latex, to_markdown
from sppl.visible import make_visible, on_one_line
from tests.conftest import ROOT
from tests.unit.report.frames import HOSTILES

FRAME = pd.DataFrame({"strategy": HOSTILES, "accuracy": [0.5] * len(HOSTILES)})


@given(some.text())
def test_a_visible_text_has_no_control_and_what_others_read_is_unchanged(text):
    shown = make_visible(text)
    assert not [one for one in shown if category(one) in ("Cc", "Cs") and one not in "\t\n"]
    assert not re.search("[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", shown)
    assert make_visible(shown) == shown
    shown.encode()
    if not [one for one in text if category(one)[0] == "C"]:
        assert shown == text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def test_no_cell_of_a_csv_file_begins_like_a_formula_and_numbers_stay_numbers():
    rows = list(csv.reader(io.StringIO(to_csv(FRAME), newline="")))
    assert len(rows) == len(HOSTILES) + 1
    assert not [row for row in rows if re.match(r"\s*[=+@＝-]", row[0])]
    assert "'=cmd|' /C calc'!A0" in [row[0] for row in rows]
    printed = pd.DataFrame({"gain": ["+0.255", "-0.010", "-1e-3", "-12 %", "-inf"], "value": [-1.0, -2, -3, -4, -5]})
    read = pd.read_csv(io.StringIO(to_csv(printed)), dtype=str)
    assert read["gain"].tolist() == printed["gain"].tolist()
    assert read["value"].astype(float).tolist() == printed["value"].tolist()


def test_a_heading_of_a_csv_file_is_no_formula_either():
    assert to_csv(pd.DataFrame({"=1+1": [1]})) == "'=1+1\n1\n"


def test_a_markdown_table_keeps_its_rows_and_has_no_link_and_no_html():
    lines = to_markdown(FRAME).splitlines()
    assert len(lines) == len(HOSTILES) + 2
    for line in lines[2:]:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3
        assert not re.search(r"[<>]|(?<!\\)(?:\\\\)*\[", line)


def test_a_latex_table_has_no_command_but_those_that_print_a_character():
    lines = to_latex(FRAME).splitlines()
    assert len(lines) == len(HOSTILES) + 6
    known = r"\\(text(backslash|asciitilde|asciicircum|less|greater|bar)\{\}|[&%$#_{}])"
    for line in lines[4:-2]:
        assert line.endswith(r" & 0.500 \\")
        cell = re.sub(known, "", line.removesuffix(r" & 0.500 \\"))
        assert not re.search(r"[\\&%$#_~^<>|]|^[\[*]", cell)


SHOW = """
from sppl.analysis.agreement import disagreement
from sppl.report.terminal import show, show_lines
from tests.unit.report.frames import HOSTILES, hostile_names
found = hostile_names()
rows = found["rows"].assign(source="", note="")
show("a", rows, found["judged"], differences=disagreement(found["rankings"]))
show_lines(HOSTILES)
"""


@pytest.fixture(scope="module")
def screen():
    """What a terminal shows after a report with hostile names."""
    import pyte

    ours, theirs = os.openpty()
    size = {"COLUMNS": "200", "LINES": "400", "TERM": "xterm-256color"}
    with subprocess.Popen(
        [sys.executable, "-c", SHOW], cwd=ROOT, stdout=theirs, stderr=subprocess.PIPE, env={**os.environ, **size}
    ) as shown:
        os.close(theirs)
        raw = b""
        try:
            while part := os.read(ours, 1 << 16):
                raw += part
        except OSError:  # how Linux says that the other side is closed
            pass
        assert shown.stderr is not None
        assert shown.wait() == 0, shown.stderr.read().decode()
    os.close(ours)
    screen = pyte.Screen(200, 600)
    pyte.ByteStream(screen).feed(raw)
    return screen


def test_a_terminal_keeps_its_title_and_shows_every_name_as_it_is_written(screen):
    assert screen.title == ""
    seen = "\n".join(line.rstrip() for line in screen.display)
    for name in HOSTILES:
        if len(name) < 100:
            assert on_one_line(name).replace(" ", "") in seen.replace(" ", "").replace("\n", ""), name
    assert "red" not in {one.fg for line in screen.buffer.values() for one in line.values()}
