"""What the interval of a correlation with accuracy covers: scored questions, test questions, seeds."""

import numpy as np
import pandas as pd

from sppl.analysis.correlation import spearman
from sppl.analysis.ranking import rank
from sppl.analysis.spread import SCORES_ONLY, spearman_interval
from tests.unit.analysis.test_summary import Mean, scores

CLEAR = {"a": [1.0, 1.1, 0.9] * 4, "b": [2.0, 2.1, 1.9] * 4, "c": [3.0, 3.1, 2.9] * 4}
"""Scores whose order no redrawn questions change."""


def answers(n: int = 12, shift: int = 5, **right: list[int]) -> pd.DataFrame:
    """Per strategy and seed how many of n test questions are answered right, each strategy beginning further on."""
    rows = [
        {
            "strategy": name,
            "seed": seed,
            "question_id": f"t{question}",
            "correct": float((question + shift * at) % n < count),
        }
        for at, (name, counts) in enumerate(right.items())
        for seed, count in enumerate(counts)
        for question in range(n)
    ]
    return pd.DataFrame(rows)


def interval(given: dict[str, list[float]], told: pd.DataFrame | None, **truth: float) -> tuple[float, float, str]:
    raw = scores(**given)
    accuracy = told.groupby("strategy")["correct"].mean() if told is not None else pd.Series(truth)
    found = spearman_interval(raw, Mean(), rank(raw, [Mean()]), accuracy, told)
    return float(found["spearman_low"]), float(found["spearman_high"]), str(found["spearman_interval"])


def test_without_the_single_answers_accuracies_are_held_fixed_and_it_is_said():
    assert interval(CLEAR, None, a=0.8, b=0.5, c=0.4) == (1.0, 1.0, SCORES_ONLY)


def test_accuracies_that_test_questions_cannot_tell_apart_make_it_wide():
    low, high, words = interval(CLEAR, answers(a=[8], b=[7], c=[2]))
    assert (low, high) == (0.5, 1.0)
    assert words.startswith("95 %: scored questions, test questions redrawn; one seed each")


def test_two_strategies_that_differ_in_one_answer_are_not_told_apart():
    two = {name: CLEAR[name] for name in ("a", "b")}
    assert interval(two, answers(shift=0, a=[8], b=[7]))[:2] == (-1.0, 1.0)


def test_accuracies_far_apart_make_it_narrow():
    assert interval(CLEAR, answers(100, a=[90], b=[50], c=[10]))[:2] == (1.0, 1.0)


def test_seeds_that_disagree_widen_it():
    one = interval(CLEAR, answers(100, a=[90], b=[60], c=[30]))
    several = interval(CLEAR, answers(100, a=[99, 81], b=[98, 22], c=[60, 0]))
    assert one[:2] == (1.0, 1.0)
    assert several[0] < 1.0
    assert "seeds redrawn" in several[2]


def test_it_covers_the_true_correlation_as_often_as_it_says():
    rng, held, worlds = np.random.default_rng(0), 0, 60
    names = [f"s{number}" for number in range(6)]
    for _ in range(worlds):
        quality, value = rng.uniform(0.3, 0.8, 6), rng.normal(0, 1, 6)
        given = {name: list(value[at] + rng.normal(0, 1, 30)) for at, name in enumerate(names)}
        told = pd.DataFrame(
            [
                {"strategy": name, "seed": 0, "question_id": f"t{q}", "correct": float(rng.random() < quality[at])}
                for at, name in enumerate(names)
                for q in range(60)
            ]
        )
        low, high, _ = interval(given, told)
        truth = spearman([-one for one in value], list(quality))
        held += low - 1e-9 <= truth <= high + 1e-9
    assert held / worlds >= 0.85  # three standard errors of 60 worlds below 95 %
