"""Which strategies are in question, by scores and by tests."""

from typing import Any

import pandas as pd
import pytest

from sppl.analysis.decision import decide_by_scores, decide_by_tests, join_alternatives
from sppl.analysis.outcomes import varying_settings
from sppl.analysis.paired import compare_pairs
from sppl.analysis.ranking import rank
from sppl.analysis.summary import strategies_table
from tests.unit.report.frames import Mean, examples, slices

UNCHECKED = {"bed": "", "bound": pd.NA, "chance": pd.NA}


def led(**values: list[float]) -> pd.DataFrame:
    return rank(examples("sppl_n2", values), [Mean("sppl_n2")])


def test_who_is_first_in_every_resample_is_it():
    found = decide_by_scores(led(a=[1.0, 1.1, 1.2], b=[2.0, 2.1, 2.2]), UNCHECKED)
    assert found.words == "Train on a"


def test_whom_resamples_put_first_at_times_is_in_question_too_and_the_shares_are_said():
    found = decide_by_scores(led(a=[1.0, 3.0, 1.0, 3.0], b=[2.1, 2.0, 2.1, 2.0], c=[9.0, 9.0, 9.0, 9.0]), UNCHECKED)
    assert found.words == "Too close to call: a or b"
    assert found.rests_on[0].startswith("Resampled questions put different strategies first: a in ")


def test_equal_scores_are_too_close_to_call():
    assert (
        decide_by_scores(led(a=[1.0, 2.0], b=[2.0, 1.0], c=[5.0, 5.0]), UNCHECKED).words == "Too close to call: a or b"
    )


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"bed": "x", "bound": 0.03, "chance": pd.NA}, "Train on a"),
        ({"bed": "x", "bound": pd.NA, "chance": pd.NA}, "Too close to call: a or b"),
        ({"bed": "x", "bound": 0.03, "chance": 0.52}, "Too close to call: a or b"),
        ({"bed": "x", "bound": 0.03, "chance": 0.7}, "Train on a"),
    ],
)
def test_where_the_kind_was_checked_no_bound_or_a_coins_chance_is_too_close(stated, words):
    assert decide_by_scores(led(a=[1.0, 1.1], b=[2.0, 2.1]), stated).words == words


def test_without_scores_of_single_questions_the_first_is_named():
    ranked = rank(slices("sppl_n2", {"a": 1.0, "b": 2.0}), [Mean("sppl_n2")])
    assert decide_by_scores(ranked, UNCHECKED).words == "Train on a"


def test_a_single_strategy_is_all_there_is():
    assert decide_by_scores(led(a=[1.0]), UNCHECKED).words == "Train on a"


def answered(setup: str = "", **right: list[float]) -> pd.DataFrame:
    rows = [
        {"strategy": name, "question_id": f"q{at}", "correct": value}
        for name, values in right.items()
        for at, value in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(benchmark="task", target_model="tiny", setup=setup, seed=0)


def after_tests(answers: pd.DataFrame, untrained: float = 0.1) -> Any:
    keys = ["benchmark", "target_model", "setup", "strategy", "seed"]
    reached = answers.groupby(keys)["correct"].agg(accuracy="mean", n_test="size").reset_index()
    base = reached.head(1).assign(strategy="untrained", setup="", accuracy=untrained)
    outcomes = pd.concat([reached, base], ignore_index=True)
    names = {name: [1.0 + at] for at, name in enumerate(answers["strategy"].unique())}
    rows = strategies_table(rank(examples("sppl_n2", names), [Mean("sppl_n2")]), outcomes)
    return decide_by_tests(rows, compare_pairs(answers), varying_settings(outcomes["setup"]))


GOOD, FAIR, BAD = [1.0] * 18 + [0.0] * 2, [1.0] * 17 + [0.0] * 3, [1.0] * 2 + [0.0] * 18


def test_a_test_tells_apart_what_differs_on_the_same_questions_and_nothing_else():
    found = after_tests(answered(a=FAIR, b=GOOD, c=BAD))
    assert found.words == "Too close to call: b or a"
    assert "b 0.900 [0.699, 0.972], a 0.850 [0.640, 0.948], c 0.100 [0.028, 0.301]" in found.rests_on[0]
    assert "On the same 20 questions b is 5.0 points ahead of a (95 %: +0.0 to +15.0)" in found.rests_on[0]
    assert [line for line in found.rests_on if "One seed each" in line] == [found.rests_on[-1]]


def test_a_difference_whose_interval_is_above_0_decides():
    assert after_tests(answered(a=BAD, b=GOOD)).words == "Train on b"


def test_every_setting_is_a_test_by_itself_and_all_have_to_agree():
    one, other = answered("n_train=10", a=BAD, b=GOOD), answered("n_train=20", a=GOOD, b=BAD)
    found = after_tests(pd.concat([one, other], ignore_index=True))
    assert found.words == "Too close to call: b or a"
    assert [line.partition(":")[0] for line in found.rests_on] == [
        "Trained and tested with n_train=10",
        "Trained and tested with n_train=20",
        "One seed each",  # said once
    ]


def test_that_no_training_helped_is_said():
    assert after_tests(answered(a=BAD, b=GOOD), untrained=0.95).caveats == (
        "No training helped: the untrained target reached 0.950.",
    )


def test_where_a_ranked_strategy_was_not_tested_the_tests_decide_nothing():
    found = after_tests(answered(a=BAD, b=GOOD))
    assert found is not None
    rows = strategies_table(led(a=[1.0], b=[2.0]), pd.DataFrame(
        [{"benchmark": "task", "target_model": "tiny", "setup": "", "strategy": "a", "seed": 0, "accuracy": 0.5}]
    ))  # fmt: skip
    assert decide_by_tests(rows, pd.DataFrame(), []) is None


def test_many_alternatives_are_counted():
    assert join_alternatives(list("abcd")) == "a, b, c or d"
    assert join_alternatives(list("abcdef")) == "a, b, c or 3 others"
