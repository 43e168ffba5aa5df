"""What a report says of pilots."""

import pandas as pd
import pytest

from sppl.analysis.paired import compare_pairs
from sppl.report.settled import read_settled


def pilots(**right: str) -> pd.DataFrame:
    """A shortlist of strategies with the verdict on each question, `+` or `-`; the first of the best is the pick."""
    rows = [
        {"setup": "", "strategy": name, "seed": 0, "question_id": f"q{at}", "correct": float(sign == "+")}
        for name, signs in right.items()
        for at, sign in enumerate(signs)
    ]
    key = {"benchmark": "b", "target_model": "t"}
    reached = {name: signs.count("+") / len(signs) for name, signs in right.items()}
    best = max(reached, key=lambda name: reached[name])
    order = [best, *(name for name in right if name != best)]
    renamed = {name: f"{at}{name}" for at, name in enumerate(order)}  # the pick is the first of each pair
    answers = pd.DataFrame(rows).assign(**key).replace({"strategy": renamed})
    pairs = compare_pairs(answers)
    mine = pairs[pairs["strategy"] == renamed[best]].assign(strategy=lambda all_: all_["other"].str[1:])
    how = {**key, "metric": "sppl_n2", "of": 5, "k": 2, "n_pilot": 100, "epochs": 3}
    how |= {"n_validation": len(right[best]), "n_seeds": 1, "untrained": 0.25}
    frame = pd.DataFrame({"strategy": reached.keys(), "pilot": reached.values()})
    frame = frame.assign(settled=frame["strategy"] == best, **how)
    ahead = mine.rename(columns={"difference": "ahead"})[["strategy", "ahead", "low", "high", "p"]]
    return frame.merge(ahead, on="strategy", how="left")


def test_the_sentence_has_what_each_reached_with_its_interval_and_how_far_it_is_ahead_on_the_same_questions():
    found = read_settled(pilots(a="+" * 50 + "-" * 50, b="+" * 80 + "-" * 20))["b", "t"]
    assert (found.strategy, found.runner_up, found.open) == ("b", "a", ())
    assert found.said.startswith("Settled by short trainings: ")
    assert "a 0.500 [0.404, 0.596], b 0.800 [0.711, 0.867] (untrained 0.250). On the same 100 " in found.said
    assert "questions b is 30.0 points ahead of a (95 %: +" in found.said


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("+++", "++-"),  # one question's difference
        ("+++", "---"),  # every resample is alike, and three of three is still chance: p = 0.25
        ("+" * 100, "+" * 98 + "--"),
    ],
)
def test_a_difference_within_chance_settles_nothing(a, b):
    found = read_settled(pilots(a=a, b=b))["b", "t"]
    assert found.open == ("a", "b")
    assert found.said.startswith("Short trainings did not settle it: ")
    assert "more validation questions (n_validation)" in found.said


def test_a_third_that_is_far_behind_is_not_in_question():
    found = read_settled(pilots(a="+" * 30, b="+" * 29 + "-", c="-" * 30))["b", "t"]
    assert found.open == ("a", "b")


def test_a_tie_is_said_and_the_better_score_decides():
    found = read_settled(pilots(a="+-", b="-+"))["b", "t"]
    assert (found.strategy, found.open) == ("a", ("a", "b"))
    assert "a and b tie, so the better score decides which is named first" in found.said


def test_without_pilots_nothing_is_settled():
    assert read_settled(pd.DataFrame()) == {}
