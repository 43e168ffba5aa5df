import pandas as pd
import pytest

from sppl.analysis.over_cases import RANDOM, average_losses, describe_losses

NA = float("nan")


def row(target, strategy, accuracy, rank_sppl, rank_accuracy):
    return {
        "benchmark": "gsm8k", "target_model": target, "strategy": strategy, "accuracy": accuracy, "note": "",
        "rank_sppl": rank_sppl, "rank_accuracy": rank_accuracy,
    }  # fmt: skip


ROWS = pd.DataFrame(
    [
        row("small", "gpt4", 0.6, 1, 1),
        row("small", "claude", 0.4, 2, 2),
        row("small", "never_scored", 0.0, NA, 3),
        row("small", "untrained", 0.1, NA, NA),
        row("large", "gpt4", 0.5, 1, 2),
        row("large", "claude", 0.6, 2, 1),
    ]
)


def judged(**regrets):
    rows = [
        {"benchmark": "gsm8k", "target_model": target, "metric": metric, "regret": regret, "spearman": 1.0, "note": ""}
        for metric, of in regrets.items()
        for target, regret in of.items()
    ]
    return pd.DataFrame(rows)


def test_a_metrics_loss_is_the_mean_of_its_cases_in_points():
    table = average_losses(judged(sppl={"small": 0.0, "large": 0.1}), ROWS).set_index("metric")
    assert table.loc["sppl"].to_dict() == {
        "cases": 2, "regret, points": pytest.approx(5), "largest, points": pytest.approx(10), "picks the best": 0.5,
        "Spearman": 1,
    }  # fmt: skip


def test_a_random_pick_loses_the_mean_of_the_scored_strategies_losses():
    table = average_losses(judged(sppl={"small": 0.0, "large": 0.1}), ROWS).set_index("metric")
    assert table.loc[RANDOM, "regret, points"] == pytest.approx(100 * (0.1 + 0.05) / 2)
    assert table.loc[RANDOM, "picks the best"] == 0.5


def test_metrics_are_compared_on_cases_that_all_of_them_have():
    found = average_losses(
        judged(sppl={"small": 0.0, "large": 0.1, "tiny": 0.5}, ifd={"small": 0.2, "large": 0.0}), ROWS
    )
    assert found["cases"].tolist() == [2, 2, 2]
    assert found["metric"].tolist() == ["sppl", RANDOM, "ifd"]


def test_one_case_is_no_table():
    assert average_losses(judged(sppl={"small": 0.0}), ROWS).empty
    assert describe_losses(pd.DataFrame()) == ""


def test_the_sentence_names_who_lost_least_or_that_chance_did():
    good = average_losses(judged(sppl={"small": 0.0, "large": 0.1}), ROWS)
    assert "the picks of sppl lost least: 5.00 points" in describe_losses(good)
    bad = average_losses(judged(sppl={"small": 0.2, "large": 0.1}), ROWS)
    assert "no metric picked better than chance, which lost 7.50 points" in describe_losses(bad)
