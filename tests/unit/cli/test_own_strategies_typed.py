"""Names of a user's own files typed as options of `strategy`."""

import pytest

from sppl.commands import CHOOSE_FILES


@pytest.mark.parametrize("given", [["strategy=mine,yours"], ["-m", "strategy=mine,yours"], ["strategy=[mine]"]])
def test_a_file_typed_as_a_strategy_is_refused_with_how_files_are_chosen(run_py, given):
    refused = run_py(*given, "benchmark=local", "data_dir=my")
    assert refused.code == 1
    assert CHOOSE_FILES in " ".join(refused.out.split())
