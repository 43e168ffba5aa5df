"""Whatever happens to files, the clock or the process while a command runs, the next one ends with the same table."""

import pytest

from tests.faults.meanwhile import CASES
from tests.faults.running_cases import run_cases

SHORT = [
    "kill -9 between provenance and data of adapters",
    "the token_stats removed once written",
    "the run's folder removed",
]


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(SHORT, marks=pytest.mark.timeout(900)),
        pytest.param(list(CASES), marks=[pytest.mark.faults, pytest.mark.timeout(7200)]),
    ],
    ids=["short", "all"],
)
def test_the_command_ends_with_its_table_or_in_a_sentence_and_the_next_one_goes_on(names, tmp_path):
    for one in run_cases("tests.faults.meanwhile", tmp_path, names):
        assert "Traceback" not in one["said"], one
        assert one["went_on"], one
        if one["case"].startswith("kill"):
            assert (one["status"], one["broken"]) == (-9, []), one
        elif one["status"] == 0:
            assert one["same"], one
        else:
            assert one["status"] == 1, one
            last = one["said"].splitlines()[-1]
            assert "again" in last or "python run.py" in last, one  # the way on
