"""Commands that stop early, or report again: what they end with."""

import pandas as pd
import pytest

from tests.conftest import QUICK

pytestmark = pytest.mark.filterwarnings("default")


def test_a_command_that_ends_in_rank_ends_in_the_table_and_the_pick(run_py):
    assert run_py("stage=[generate]", *QUICK).code == 0
    done = run_py("stage=[predict,score,rank]", "metric=[sppl,ifd]", *QUICK, "name=only")
    assert done.code == 0, done.out
    assert done.out.index("(lab / lab)") < done.out.index("only: benchmark lab, target model lab")
    assert "gpt4 (simulated)" in done.out
    assert not (done.reports / "only").exists()


def test_a_second_report_shows_the_accuracies_that_are_in_the_store(run_py):
    first = run_py(*QUICK, "metric=[sppl,ifd]", "name=first")
    assert first.code == 0, first.out
    again = run_py("stage=[rank,report]", *QUICK, "metric=[sppl,ifd]", "name=again")
    assert again.code == 0, again.out
    one, other = (pd.read_csv(again.reports / name / "table.csv") for name in ("first", "again"))
    assert one["accuracy"].notna().all()
    pd.testing.assert_frame_equal(one, other)
    said = [run_py(*stages, *QUICK, "metric=[sppl,ifd]").out for stages in (["stage=[rank]"], ["stage=[rank,report]"])]
    for line in ("Trained and tested: ", "What each metric predicted", "untrained "):
        assert [line in out for out in said] == [True, True]
    less = run_py("stage=[rank,report]", *QUICK[1:], "n_train=17", "metric=[sppl,ifd]", "name=less")
    table = pd.read_csv(less.reports / "less" / "table.csv")
    assert "untrained" not in set(table["strategy"])  # nothing was trained on 17 responses
    assert table["accuracy"].isna().all()


@pytest.mark.parametrize("given", [[], ["-v"]])
def test_a_line_per_artifact_is_shown_with_v_only(run_py, tmp_path, given):
    done = run_py(*given, "stage=[generate]", "strategy=[gpt4]", *QUICK, store=tmp_path / "own")
    assert done.code == 0, done.out
    assert ("sppl.artifacts.store: responses/lab/gpt4-" in done.out) == bool(given)
    assert "sppl.artifacts.store: responses/lab/gpt4-" in (tmp_path / "run0" / "run.log").read_text()


@pytest.mark.parametrize("columns", ["80", "120"])
def test_no_line_of_a_table_is_wider_than_the_terminal_and_nothing_is_cut(run_py, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    done = run_py(*QUICK)
    assert done.code == 0, done.out
    drawn = [line for line in done.out.splitlines() if line[:1] in "┏┃┡│└"]
    assert drawn
    assert all(len(line) <= int(columns) for line in drawn)
    assert not any("…" in line for line in drawn)
    text = " ".join(done.out.split())
    for name in ("gpt4 (simulated)", "perplexity", "length", "accuracy"):
        assert name in text
