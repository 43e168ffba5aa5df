import numpy as np
import pandas as pd
import pytest

from sppl.analysis.paired import compare_pairs, mcnemar


def answers(**correct: list[float]) -> pd.DataFrame:
    rows = [
        {"benchmark": "lab", "target_model": "tiny", "setup": "", "strategy": name.rstrip("01"), "seed": int(name[-1]),
         "question_id": f"q{at}", "correct": value}
        for name, values in correct.items()
        for at, value in enumerate(values)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_the_difference_is_that_of_the_accuracies_and_mcnemar_counts_discordant_questions():
    table = compare_pairs(answers(a0=[1, 1, 1, 1, 0, 0], b0=[1, 0, 0, 0, 0, 1]))
    (row,) = table.to_dict("records")
    assert (row["strategy"], row["other"], row["n_questions"]) == ("a", "b", 6)
    assert row["difference"] == pytest.approx(2 / 6)
    assert row["p"] == pytest.approx(2 * (1 + 4) / 2**4)  # 3 against 1 of 4: P(at most 1) = (1 + 4) / 16, both sides
    assert row["low"] <= row["difference"] <= row["high"]


def test_models_that_answer_alike_do_not_differ():
    (row,) = compare_pairs(answers(a0=[1, 0, 1], b0=[1, 0, 1])).to_dict("records")
    assert (row["difference"], row["low"], row["high"], row["p"]) == (0, 0, 0, 1)


def test_several_seeds_are_averaged_and_have_no_mcnemar_test():
    (row,) = compare_pairs(answers(a0=[1, 1], a1=[1, 0], b0=[0, 0], b1=[0, 0])).to_dict("records")
    assert row["difference"] == pytest.approx(0.75)
    assert pd.isna(row["p"])
    assert "several seeds" in row["note"]


def test_pairing_makes_the_interval_narrower_than_that_of_two_separate_samples():
    rng = np.random.default_rng(0)
    hard = rng.random(300)
    a, b = (hard < 0.6).astype(float), (hard < 0.55).astype(float)
    (row,) = compare_pairs(answers(a0=list(a), b0=list(b))).to_dict("records")
    apart = 2 * 1.96 * np.sqrt((a.var() + b.var()) / 300)
    assert row["high"] - row["low"] < 0.5 * apart


def test_mcnemar_agrees_with_a_coin():
    assert mcnemar(np.array([1.0])) == pytest.approx(1.0)
    assert mcnemar(np.array([1.0] * 10)) == pytest.approx(2 / 2**10)
