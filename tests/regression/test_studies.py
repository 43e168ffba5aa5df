import json
from pathlib import Path

import pytest
import study
from studies.picker import FEATURES, PICKER, search
from studies.picker_study import METRICS

from sppl.analysis.bed_checks import check_beds, shipped_checks
from sppl.analysis.conventions import take_comparable
from sppl.analysis.outcomes import accuracies
from sppl.analysis.paper import main_outcomes
from sppl.analysis.ranking import rank
from sppl.data.bed_files import read_bed

PAPER = Path(__file__).parents[2] / "experiments" / "paper"


@pytest.fixture(scope="module")
def records():
    return study.records()


FAST = [
    "combinations",
    "leave_one_out",
    "train_then_test",
    "picker_main",
    "picker_planbench",
    "shortlist",
    "regret_bound",
]
SLOW = [
    *(
        "in_context_examples",
        "correctness_filter",
        "subset",
        "aggregation",
        "metric_differences",
        "racing",
        "calibration",
    )
]


@pytest.mark.parametrize("name", [*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_a_study_makes_its_expected_table_again(records, name):
    assert study.made(name, *records) == (PAPER / name / "expected.csv").read_text()


def test_every_study_has_a_folder_that_explains_and_runs_it():
    folders = {path.parent.name for path in PAPER.glob("*/run.sh")}
    assert folders == set(study.STUDIES) == {*FAST, *SLOW}
    for name in folders:
        assert (PAPER / name / "README.md").read_text().strip()
        assert f"study.py {name} " in (PAPER / name / "run.sh").read_text()


def test_the_frozen_picker_is_what_the_search_on_the_main_tasks_finds(records):
    scores, outcomes = records
    runs = main_outcomes(outcomes)
    ranked = rank(take_comparable(scores[scores["metric"].isin(FEATURES)], runs), METRICS, resamples=0)
    first = search(ranked, accuracies(runs)).iloc[0]
    assert {name: first[name] for name in FEATURES if first[name]} == PICKER.weights
    assert first["accuracy"] == pytest.approx(0.6418, abs=5e-5)
    assert first["left_out"] == pytest.approx(0.6394, abs=5e-5)


def test_what_is_shipped_of_the_checks_is_what_the_beds_give(root):
    beds = [read_bed(root / "experiments" / "beds" / name) for name in ("paper_main", "paper_planbench", "rsr", "car")]
    made = json.loads(json.dumps(check_beds(beds)))
    made["paper_planbench"]["benchmarks"].append("plan_bench_replanning")  # as experiments/beds/check.py says
    assert made == shipped_checks()
