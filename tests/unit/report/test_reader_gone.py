"""A report whose reader went away (`| head`) is written all the same."""

import os
import sys

from sppl.report.terminal import show_lines


def test_lines_that_nobody_reads_any_more_end_nothing(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        for _ in range(2):
            show_lines(["a line of the report"] * 1000)
