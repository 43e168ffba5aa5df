"""Own files and a model's folder that go away or change while a command runs: a sentence, and nothing wrong is kept."""

import pytest

from tests.faults.inputs_gone import CASES
from tests.faults.running_cases import run_cases

SHORT = [
    "a strategy's file replaced once responses are written",
    "the model's folder deleted once token_stats are written",
]


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(SHORT, marks=pytest.mark.timeout(900)),
        pytest.param(list(CASES), marks=[pytest.mark.faults, pytest.mark.timeout(7200)]),
    ],
    ids=["short", "all"],
)
def test_the_command_ends_with_its_table_or_in_a_sentence_and_the_next_one_as_if_nothing_had_happened(names, tmp_path):
    for one in run_cases("tests.faults.inputs_gone", tmp_path, names):
        assert one["status"] in (0, 1), one
        assert "Traceback" not in one["all"], one
        assert (one["broken"], one["as_new"], one["went_on"]) == ([], True, True), one
        if one["status"]:
            last = one["said"].splitlines()[-1]
            assert "/data" in last or "/model" in last, one  # which input it was
