"""What is said of training examples before anybody trains."""

import pandas as pd
import pytest

from sppl.analysis.before_training import sample_table, sample_warnings

PAIR = ("b", "t")
FACT = {"context": 100, "refused": {}, "own_answers": 40, "own_asked": 50, "own_note": ""}


def samples(**given: list[tuple[int, bool | None]]) -> pd.DataFrame:
    """`strategy: [(tokens of the response, whether it is right), ...]`; every prompt has 10 tokens."""
    rows = [
        {"strategy": name, "question_id": f"q{at}", "prompt_tokens": 10, "response_tokens": tokens, "correct": right}
        for name, found in given.items()
        for at, (tokens, right) in enumerate(found)
    ]
    frame = pd.DataFrame(rows).astype({"prompt_tokens": "Int64", "response_tokens": "Int64", "correct": "boolean"})
    return frame.assign(benchmark="b", target_model="t", context=100)


TWO = samples(a=[(20, True), (40, True), (95, False), (41, True)], b=[(10, True)] * 4)


def test_a_row_per_strategy_counts_what_is_longer_than_each_limit_and_what_is_wrong():
    frame = sample_table(TWO, 50).set_index("strategy")
    assert frame.loc["a", "mean_tokens"] == pytest.approx(49)
    assert frame.loc["a", ["responses", "longest", "beyond_max_tokens", "beyond_context", "wrong"]].tolist() == [
        4, 105, 2, 1, 1,
    ]  # fmt: skip
    assert frame.loc["b", ["beyond_max_tokens", "beyond_context", "wrong"]].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("overlong", "does"), [("cut", "their ends are cut off"), ("refuse", "the training refuses")])
def test_each_warning_has_the_names_and_the_numbers(overlong, does):
    told = sample_warnings(sample_table(TWO, 50), {PAIR: FACT}, 50, overlong)[PAIR]
    assert told[0].startswith(f"Longer than training.max_tokens=50, so {does}")
    assert told[0].endswith(": a 2 of 4 (50 %).")
    assert told[1:] == [
        "Longer than the 100 tokens that the target can read: a 1 of 4 (25 %).",
        "Judged wrong: a 1 of 4 (25 %).",
    ]


def test_where_all_is_well_nothing_is_said():
    table = sample_table(samples(a=[(10, True)] * 3), 50)
    assert sample_warnings(table, {PAIR: FACT}, 50, "cut") == {PAIR: []}


def test_what_is_not_judged_or_has_no_limit_is_not_counted():
    frame = sample_table(samples(a=[(10, None)] * 3).assign(context=None), None)
    assert frame[["beyond_max_tokens", "beyond_context", "wrong"]].isna().all(axis=None)


@pytest.mark.parametrize(("right", "said"), [(4, True), (5, False), (0, False)])
def test_few_right_own_answers_are_said_with_their_number(right, said):
    fact = FACT | {"own_answers": right}
    told = sample_warnings(sample_table(samples(a=[(10, True)]), 50), {PAIR: fact}, 50, "cut")[PAIR]
    assert [line.startswith(f"Few own answers are right, {right} of 50") for line in told] == [True] * said


def test_what_training_cannot_write_is_a_warning_of_its_own():
    told = sample_warnings(
        sample_table(samples(a=[(10, True)]), 50), {PAIR: FACT | {"refused": {"a": "no"}}}, 50, "cut"
    )
    assert told[PAIR] == ["a cannot be trained on as it is: no"]
