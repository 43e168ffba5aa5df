from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from sppl.analysis.ranking import rank, sentence
from sppl.schemas import UserError, validate


@dataclass(frozen=True)
class Mean:
    name: str = "sppl_n2"
    higher_is_better: bool | None = False

    def aggregate(self, scores):
        return float(scores["value"].mean())


def scores(metric="sppl_n2", benchmark="gsm8k", **values):
    rows = [
        {"strategy": strategy, "example_id": f"q{i}", "value": value}
        for strategy, per_example in values.items()
        for i, value in enumerate(per_example)
    ]
    return pd.DataFrame(rows).assign(benchmark=benchmark, target_model="tiny", metric=metric)


def slices(metric="car", **values):
    rows = [
        {"strategy": strategy, "start": start, "end": end, "value": value}
        for strategy, means in values.items()
        for (start, end), value in means.items()
    ]
    frame = pd.DataFrame(rows).assign(benchmark="gsm8k", target_model="tiny", metric=metric)
    return frame.astype({"start": "Int64", "end": "Int64"})


def test_the_lowest_value_is_first_when_lower_is_better():
    ranked = rank(scores(gpt4=[1.0, 3.0], claude=[1.0, 1.0], rewrite=[5.0, 5.0]), [Mean()])
    assert ranked["strategy"].tolist() == ["claude", "gpt4", "rewrite"]
    assert ranked["rank"].tolist() == [1, 2, 3]
    assert ranked["value"].tolist() == [1, 2, 5]
    assert ranked["n_examples"].tolist() == [2, 2, 2]


def test_the_highest_value_is_first_when_higher_is_better():
    ranked = rank(scores(gpt4=[1.0], claude=[2.0]), [Mean(higher_is_better=True)])
    assert ranked["strategy"].tolist() == ["claude", "gpt4"]


def test_equal_values_share_a_rank_and_a_first_place():
    ranked = rank(scores(gpt4=[1.0, 2.0], claude=[1.0, 2.0], rewrite=[9.0, 9.0]), [Mean()])
    assert ranked["rank"].tolist() == [1.5, 1.5, 3]
    assert ranked["p_first"].tolist() == [0.5, 0.5, 0]
    assert sentence(ranked) == "claude and gpt4 share the first place by sppl_n2"


def test_a_control_is_ranked_low_first_and_says_that_it_predicts_nothing():
    ranked = rank(scores(gpt4=[7.0], claude=[3.0]), [Mean(higher_is_better=None)])
    assert ranked["strategy"].tolist() == ["claude", "gpt4"]
    assert ranked["p_first"].isna().all()
    assert ranked["note"].str.contains("no direction").all()
    assert "predicts nothing" in sentence(ranked)


def test_a_ranking_is_a_table_of_rankings_and_survives_parquet(tmp_path):
    both = pd.concat([scores(gpt4=[1.0], claude=[2.0]), slices(gpt4={(0, 5): 1.0}, claude={(0, 5): 2.0})])
    ranked = rank(both, [Mean(), Mean("car")])
    validate(ranked, "rankings", "here")
    ranked.to_parquet(tmp_path / "r.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "r.parquet"), ranked, check_dtype=False)


def test_slice_means_are_ranked_without_confidence():
    ranked = rank(slices(gpt4={(0, 50): 3.0, (0, 300): 1.0}, claude={(0, 50): 1.0, (0, 300): 2.0}), [Mean("car", True)])
    assert ranked["strategy"].tolist() == ["claude", "gpt4"]
    assert ranked["n_examples"].tolist() == [300, 300]
    assert ranked["low"].isna().all()
    assert ranked["note"].tolist() == ["n/a (slice means only)"] * 2
    assert "no scores per question" in sentence(ranked)


def test_only_a_slice_all_strategies_have_is_compared():
    ranked = rank(slices(gpt4={(0, 50): 3.0, (0, 300): 1.0}, claude={(0, 50): 1.0}), [Mean("car", True)])
    assert ranked["value"].tolist() == [3, 1]
    with pytest.raises(UserError, match="no slice of car"):
        rank(slices(gpt4={(0, 300): 1.0}, claude={(0, 50): 1.0}), [Mean("car")])


def test_unequal_questions_are_refused_and_named():
    frame = scores(gpt4=[1.0, 2.0, 3.0], claude=[1.0, 2.0])
    with pytest.raises(UserError, match=r"gsm8k / tiny.*claude lacks 1 \(q2\)"):
        rank(frame, [Mean()])


def test_duplicates_and_nan_are_refused_in_one_message():
    frame = scores(gpt4=[1.0, float("nan")], claude=[1.0, 2.0])
    frame = pd.concat([frame, frame.tail(1)])
    with pytest.raises(UserError, match=r"not finite.*example_id=q1.*repeat another row's key.*claude"):
        rank(frame, [Mean()])


def test_a_missing_strategy_is_refused_with_the_command_that_scores_it():
    with pytest.raises(UserError, match=r"no sppl_n2 scores of claude.*stages `score` and `rank`"):
        rank(scores(gpt4=[1.0]), [Mean()], strategies=["gpt4", "claude"])


def test_a_strategy_that_only_one_metric_knows_is_refused():
    frame = pd.concat([scores(gpt4=[1.0], claude=[2.0]), scores("ifd", gpt4=[1.0])])
    with pytest.raises(UserError, match="no ifd scores of claude"):
        rank(frame, [Mean(), Mean("ifd")])


def test_two_metrics_of_one_name_are_refused():
    with pytest.raises(UserError, match="sppl_n2 is asked for more than once"):
        rank(scores(gpt4=[1.0], claude=[2.0]), [Mean(), Mean()])


def test_an_unknown_metric_is_refused_with_those_that_are_there():
    with pytest.raises(UserError, match=r"no scores of ifd \(there are: sppl_n2\)"):
        rank(scores(gpt4=[1.0]), [Mean(), Mean("ifd")])


def test_a_single_strategy_has_a_note():
    ranked = rank(scores(gpt4=[1.0, 2.0]), [Mean()])
    assert ranked["note"].tolist() == ["a single strategy: nothing to compare"]
    assert "only strategy" in sentence(ranked)


def test_the_sentence_says_how_sure_the_first_place_is():
    rng = np.random.default_rng(0)
    ranked = rank(scores(gpt4=rng.normal(1.0, 1.0, 50), claude=rng.normal(1.2, 1.0, 50)), [Mean()])
    share = round(100 * ranked["p_first"].iloc[0])
    assert sentence(ranked) == (
        f"{ranked['strategy'].iloc[0]} is ahead of {ranked['strategy'].iloc[1]} by sppl_n2; "
        f"on 1,000 resamples of the 50 questions it stays first {share} % of the time"
    )


def test_the_order_of_rows_does_not_matter():
    rng = np.random.default_rng(1)
    frame = scores(gpt4=rng.normal(size=30), claude=rng.normal(size=30))
    pd.testing.assert_frame_equal(rank(frame, [Mean()]), rank(frame.sample(frac=1, random_state=0), [Mean()]))
