"""One study on the records: shows its table and compares it with `expected.csv`.

python experiments/paper/study.py aggregation             exit 1 if a figure differs
python experiments/paper/study.py aggregation --write     writes expected.csv anew
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
from studies import metrics
from studies.calibration_study import calibration
from studies.picker_study import ways_to_choose
from studies.regret_study import regret_bounds
from studies.shortlist_study import shortlists

from sppl.analysis.bed import Bed
from sppl.analysis.bed_table import cases
from sppl.analysis.paper import main_outcomes, planbench_outcomes
from sppl.artifacts.store import Store
from sppl.data.bed_files import read_bed

HERE = Path(__file__).parent
SOURCE = {"repository": "XuanRen4470/SPPL", "commit": "48d727e78"}
BOUNDED = ("sppl_n2", "perplexity", "ifd", "rank_surprisal_ratio", "2 best by sppl_n2, piloted")
"""Metrics and selectors whose regret is bounded."""
STUDIES = {
    "in_context_examples": metrics.in_context_examples,
    "correctness_filter": metrics.correctness_filter,
    "subset": metrics.subset,
    "train_then_test": metrics.train_then_test,
    "aggregation": metrics.aggregation,
    "combinations": metrics.combinations,
    "leave_one_out": metrics.leave_one_out,
    "metric_differences": metrics.metric_differences,
    "racing": metrics.racing,
    "calibration": calibration,
    "shortlist": lambda *_: shortlists(beds()),
    "regret_bound": lambda *_: regret_bounds({name: cases(bed) for name, bed in beds().items()}, BOUNDED),
    "picker_main": lambda scores, outcomes: ways_to_choose(scores, main_outcomes(outcomes)),
    "picker_planbench": lambda scores, outcomes: ways_to_choose(scores, planbench_outcomes(outcomes)),
}


def records() -> tuple[pd.DataFrame, pd.DataFrame]:
    store = Store(str(HERE / "records"))
    scores, outcomes = (store.read(store.artifact_id(kind, settings=SOURCE)) for kind in ("scores", "outcomes"))
    return scores, outcomes


def beds() -> dict[str, Bed]:
    """The two beds made of these records, and the third that has metrics."""
    return {name: read_bed(HERE.parent / "beds" / name) for name in ("paper_main", "paper_planbench", "rsr")}


def made(name: str, scores: pd.DataFrame, outcomes: pd.DataFrame) -> str:
    return STUDIES[name](scores, outcomes).to_csv(index=False, float_format="%.4f")


def main() -> int:
    parser = argparse.ArgumentParser(
        description="One study on the records: shows its table and compares it with expected.csv."
    )
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--write", action="store_true", help="write expected.csv")
    asked = parser.parse_args()
    text, expected = made(asked.study, *records()), HERE / asked.study / "expected.csv"
    print(text, end="")
    if asked.write:
        expected.write_text(text)
    same = expected.read_text() == text
    print(f"{expected.name}: {'the same' if same else 'DIFFERS'}", file=sys.stderr)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
