"""Every question by itself."""

import pandas as pd

from sppl.analysis.by_question import COLUMNS, by_question
from tests.unit.report.frames import examples, slices


def test_scores_and_answers_of_single_questions_are_rows_of_one_table():
    scores = examples("ifd", {"a": [1.0, 2.0]})
    answers = pd.DataFrame(
        {"benchmark": "task", "target_model": "tiny", "setup": "", "strategy": "a", "seed": [0, 1],
         "question_id": "t0", "correct": [1.0, 0.0]}
    )  # fmt: skip
    frame = by_question(scores, answers)
    assert list(frame) == COLUMNS
    assert frame[["split", "question_id", "what", "value"]].to_numpy().tolist() == [
        ["train", "q0", "ifd", 1.0],
        ["train", "q1", "ifd", 2.0],
        ["test", "t0", "correct", 1.0],
        ["test", "t0", "correct", 0.0],
    ]
    assert frame["seed"].isna().tolist() == [True, True, False, False]


def test_means_of_slices_are_of_no_question():
    assert by_question(slices("ifd", {"a": 0.1}), pd.DataFrame()).empty
    assert by_question(None, pd.DataFrame()).empty
