from dataclasses import dataclass

import pandas as pd
import pytest

from sppl.analysis.ranking import rank
from sppl.analysis.summary import metrics_table, strategies_table
from sppl.schemas import UserError


@dataclass(frozen=True)
class Mean:
    name: str = "sppl_n2"
    higher_is_better: bool | None = False

    def aggregate(self, scores):
        return float(scores["value"].mean())


def scores(**values):
    rows = [
        {"strategy": strategy, "example_id": f"q{i}", "value": value}
        for strategy, per_example in values.items()
        for i, value in enumerate(per_example)
    ]
    return pd.DataFrame(rows).assign(benchmark="gsm8k", target_model="tiny", metric="sppl_n2")


SETUP = "epochs=20, lr=2e-05"


def outcomes(*rows):
    columns = ["strategy", "setup", "seed", "accuracy"]
    return pd.DataFrame(rows, columns=columns).assign(benchmark="gsm8k", target_model="tiny")


RANKED = rank(scores(gpt4=[1.0, 1.2], claude=[2.0, 2.2], rewrite=[3.0, 3.4]), [Mean()])
TRAINED = outcomes(
    ("gpt4", SETUP, 0, 0.5),
    ("gpt4", SETUP, 1, 0.7),
    ("claude", SETUP, 0, 0.7),
    ("rewrite", SETUP, 0, 0.4),
    ("untrained", "", 0, 0.3),
)


def test_the_table_has_every_strategy_and_the_untrained_target_last():
    found = strategies_table(RANKED, TRAINED)
    assert found["strategy"].tolist() == ["claude", "gpt4", "rewrite", "untrained"]
    assert found["accuracy"].tolist() == pytest.approx([0.7, 0.6, 0.4, 0.3])
    assert found["gain"].tolist() == pytest.approx([0.4, 0.3, 0.1, 0.0])
    assert found["rank_accuracy"].tolist()[:3] == [1, 2, 3]
    assert found["rank_sppl_n2"].tolist()[:3] == [2, 1, 3]
    assert "epochs" not in found


def test_further_tasks_are_columns_their_main_metric_averaged_over_seeds():
    columns = ["strategy", "setup", "seed", "metric", "value"]
    rows = [
        ("gpt4", SETUP, 0, "acc", 0.2),
        ("gpt4", SETUP, 0, "acc_norm", 0.9),
        ("gpt4", SETUP, 1, "acc", 0.4),
        ("untrained", "", 0, "acc", 0.1),
    ]
    also = pd.DataFrame(rows, columns=columns).assign(benchmark="gsm8k", target_model="tiny", task="arc")
    found = strategies_table(RANKED, TRAINED, also).set_index("strategy")["also_arc"]
    assert found["gpt4"] == pytest.approx(0.3)
    assert found["untrained"] == pytest.approx(0.1)
    assert pd.isna(found["claude"])


def test_the_standard_error_is_over_seeds_where_there_are_several():
    found = strategies_table(RANKED, TRAINED).set_index("strategy")
    assert found.loc["gpt4", "accuracy_se"] == pytest.approx(0.1)
    assert pd.isna(found.loc["claude", "accuracy_se"])


def test_the_standard_error_includes_the_sampling_of_test_questions_where_their_number_is_known():
    found = strategies_table(RANKED, TRAINED.assign(n_test=100)).set_index("strategy")
    assert found.loc["claude", "accuracy_se"] == pytest.approx((0.7 * 0.3 / 100) ** 0.5)
    assert found.loc["gpt4", "accuracy_se"] == pytest.approx((0.01 + 0.6 * 0.4 / 100) ** 0.5)


def test_settings_that_vary_are_columns_and_the_untrained_row_belongs_to_each():
    both = pd.concat([TRAINED, outcomes(("gpt4", "epochs=40, lr=2e-05", 0, 0.6))])
    found = strategies_table(RANKED, both)
    assert "lr" not in found
    assert found.loc[found["strategy"] == "untrained", "epochs"].tolist() == ["20", "40"]
    assert found.loc[found["epochs"] == "40", "strategy"].tolist() == ["gpt4", "claude", "rewrite", "untrained"]


def test_a_strategy_without_accuracy_or_without_score_keeps_its_row_and_says_so():
    trained = pd.concat([TRAINED[TRAINED["strategy"] != "rewrite"], outcomes(("mini_gpt4", SETUP, 0, 0.2))])
    found = strategies_table(RANKED, trained).set_index("strategy")
    assert pd.isna(found.loc["rewrite", "accuracy"])
    assert "no accuracy" in found.loc["rewrite", "note"]
    assert pd.isna(found.loc["mini_gpt4", "sppl_n2"])
    assert "no score" in found.loc["mini_gpt4", "note"]
    assert found.loc["untrained", "note"] == ""
    note = metrics_table(RANKED, trained)["note"].iloc[0]
    assert note == "rewrite has no accuracy; mini_gpt4 has no score"


def test_no_regret_is_stated_where_a_trained_strategy_has_no_score_unless_it_never_competes():
    trained = pd.concat([TRAINED, outcomes(("mini_gpt4", SETUP, 0, 0.9))])
    assert pd.isna(metrics_table(RANKED, trained, references=[])["regret"].iloc[0])
    reference = metrics_table(RANKED, trained, references=["mini_gpt4"])["regret"].iloc[0]
    assert reference == metrics_table(RANKED, TRAINED)["regret"].iloc[0]


def test_nothing_trained_yet_is_a_table_of_scores():
    found = strategies_table(RANKED, TRAINED[TRAINED["strategy"] == "untrained"])
    assert found["accuracy"].tolist()[-1] == 0.3
    assert found["accuracy"].isna().tolist() == [True, True, True, False]
    judged = metrics_table(RANKED, TRAINED[:0]).iloc[0]
    assert judged["note"].startswith("n/a (0 strategies have both score and accuracy")


def test_a_metric_is_judged_by_its_correlation_and_its_pick():
    judged = metrics_table(RANKED, TRAINED).iloc[0]
    assert judged["spearman"] == pytest.approx(0.5)
    assert judged["picked"] == "gpt4"
    assert judged["picked_accuracy"] == pytest.approx(0.6)
    assert judged["regret"] == pytest.approx(0.1)
    assert judged["n_strategies"] == 3
    assert judged["note"] == ""


def test_a_metric_where_higher_is_better_correlates_with_the_same_sign():
    ranked = rank(scores(gpt4=[3.0], claude=[2.0], rewrite=[1.0]), [Mean(higher_is_better=True)])
    assert metrics_table(ranked, TRAINED)["spearman"].iloc[0] == pytest.approx(0.5)


def test_a_control_correlates_by_its_raw_value_and_picks_nothing():
    ranked = rank(scores(gpt4=[3.0], claude=[2.0], rewrite=[1.0]), [Mean(higher_is_better=None)])
    judged = metrics_table(ranked, TRAINED).iloc[0]
    assert judged["spearman"] == pytest.approx(0.5)
    assert pd.isna(judged["picked"])
    assert judged["note"] == "no direction: picks nothing"


def test_equal_accuracies_have_no_correlation_and_say_so():
    equal = outcomes(("gpt4", SETUP, 0, 0.5), ("claude", SETUP, 0, 0.5), ("rewrite", SETUP, 0, 0.5))
    judged = metrics_table(RANKED, equal).iloc[0]
    assert pd.isna(judged["spearman"])
    assert judged["note"] == "n/a (all accuracies are equal)"
    assert judged["regret"] == 0


def test_scores_per_example_give_the_correlation_an_interval():
    raw = scores(gpt4=[1.0, 5.0, 2.0], claude=[2.0, 3.0, 4.0], rewrite=[9.0, 9.0, 9.0])
    judged = metrics_table(rank(raw, [Mean()]), TRAINED, scores=raw, metrics=[Mean()]).iloc[0]
    assert judged["spearman_low"] == pytest.approx(0.5)
    assert judged["spearman_high"] == pytest.approx(1.0)


def test_of_fewer_strategies_than_asked_for_no_correlation_is_shown_and_the_note_says_so():
    judged = metrics_table(RANKED, TRAINED, least=4).iloc[0]
    assert pd.isna(judged["spearman"])
    assert judged["note"] == "n/a (3 strategies to compare, a rank correlation needs 4)"
    assert judged["regret"] == pytest.approx(0.1)


def test_nothing_right_of_21_has_an_interval_that_is_not_nothing():
    found = strategies_table(RANKED, outcomes(("gpt4", SETUP, 0, 0.0), ("claude", SETUP, 0, 1.0)).assign(n_test=21))
    ends = found.set_index("strategy")[["accuracy_low", "accuracy_high"]]
    assert ends.loc["gpt4"].tolist() == pytest.approx([0, 0.1546], abs=1e-4)
    assert ends.loc["claude"].tolist() == pytest.approx([0.8454, 1], abs=1e-4)


def test_of_one_seed_the_interval_is_wilsons_and_seeds_that_spread_widen_it():
    found = strategies_table(RANKED, TRAINED.assign(n_test=100)).set_index("strategy")
    assert found.loc["claude", ["accuracy_low", "accuracy_high"]].tolist() == pytest.approx([0.6042, 0.7811], abs=1e-4)
    low, high = found.loc["gpt4", ["accuracy_low", "accuracy_high"]]  # 0.5 and 0.7: the error is that of 19 questions
    assert [low, high] == pytest.approx([0.3834, 0.7835], abs=1e-3)


def test_where_nothing_is_trained_the_best_score_stands_first():
    ranked = rank(scores(a=[3.0, 3.4], b=[1.0, 1.2], c=[2.0, 2.2]), [Mean()])
    assert strategies_table(ranked, TRAINED[:0])["strategy"].tolist() == ["b", "c", "a"]


def test_percent_is_refused():
    with pytest.raises(UserError, match="percent"):
        strategies_table(RANKED, outcomes(("gpt4", SETUP, 0, 51.0)))


def test_duplicated_outcomes_are_refused():
    with pytest.raises(UserError, match=r"repeat another row's key.*strategy=gpt4"):
        strategies_table(RANKED, pd.concat([TRAINED, TRAINED.head(1)]))
