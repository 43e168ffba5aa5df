import pandas as pd
import pytest

from sppl.schemas import UserError, validate


def outcomes(*accuracies: float) -> pd.DataFrame:
    keys = {"benchmark": "lab", "target_model": "tiny", "strategy": "gpt4", "setup": ""}
    return pd.DataFrame([keys | {"seed": seed, "accuracy": value} for seed, value in enumerate(accuracies)])


def test_accuracies_in_percent_are_refused():
    with pytest.raises(UserError, match="percent"):
        validate(outcomes(0.5, 52.0), "outcomes", "my results")


def test_every_problem_of_a_table_is_in_one_message():
    frame = pd.DataFrame({"question_id": ["a"], "answer": [1.5], "extra": ["x"]})
    with pytest.raises(UserError) as error:
        validate(frame, "results", "my results")
    for column in ("answer", "extra", "correct"):
        assert column in str(error.value)
    assert str(error.value).startswith("my results is not a table of results")


def test_missing_numbers_are_refused():
    with pytest.raises(UserError, match="accuracy"):
        validate(outcomes(float("nan")), "outcomes", "my results")


def test_a_right_table_comes_back_unchanged():
    frame = outcomes(0.5, 0.6)
    pd.testing.assert_frame_equal(validate(frame, "outcomes", "my results"), frame)
