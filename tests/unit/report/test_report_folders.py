"""Where a report lies."""

from pathlib import Path

import pytest

from sppl.names import task_name
from sppl.report.places import report_folder

HERE = Path("reports/pick")


@pytest.mark.parametrize(
    ("benchmarks", "data", "typed", "wanted"),
    [
        (["lab"], None, [], "pick"),
        (["gsm8k"], None, [], "pick-gsm8k"),
        (["gsm8k"], "../checkout", [], "pick-gsm8k"),
        (["local"], "data/my task", [], "pick-local-my_task"),
        (["local"], "data/other/", [], "pick-local-other"),
        (["local"], "hub:org/rows", [], "pick-local-rows"),
        (["mine"], "data/other", [], "pick-mine"),
        (["local"], "data/other", ["name=pick"], "pick"),
        (["lab", "gsm8k"], None, [], "pick"),
    ],
)
def test_a_report_of_another_task_lies_beside_the_first_unless_its_name_was_typed(benchmarks, data, typed, wanted):
    assert report_folder(HERE, benchmarks, data, typed) == HERE.with_name(wanted)


def test_a_folder_without_a_name_adds_none():
    assert task_name("local", "/") == "local"
