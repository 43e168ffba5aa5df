import pandas as pd
import pytest
from studies.differences import differences

from sppl.analysis.blocks import average_blocks, average_strategies, judge_slices
from sppl.analysis.conventions import PAPER, SOUND, Conventions, take_comparable, take_slice
from sppl.analysis.outcomes import accuracies
from sppl.analysis.paper import RecordedMetric
from sppl.schemas import UserError

SPPL = RecordedMetric("sppl_n2")


def scores(benchmark="gsm8k", metric="sppl_n2", **values):
    rows = [
        {"strategy": name, "example_id": f"{i:03}", "value": value}
        for name, per_example in values.items()
        for i, value in enumerate(per_example)
    ]
    frame = pd.DataFrame(rows).assign(benchmark=benchmark, target_model="tiny", metric=metric)
    return frame.assign(start=pd.array([pd.NA] * len(frame), "Int64"), end=pd.array([pd.NA] * len(frame), "Int64"))


def outcomes(benchmark="gsm8k", **accuracies):
    rows = [
        {"strategy": name, "seed": seed, "accuracy": value}
        for name, values in accuracies.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(benchmark=benchmark, target_model="tiny", setup="")


def test_a_slice_holds_its_examples_and_the_means_of_exactly_that_range():
    means = pd.DataFrame({"strategy": "gpt4", "example_id": None, "value": [7.0, 8.0], "start": [0, 0], "end": [2, 3]})
    frame = pd.concat([scores(gpt4=[1.0, 2.0, 3.0]), means.astype({"start": "Int64", "end": "Int64"})])
    frame = frame.reset_index(drop=True)
    assert take_slice(frame, 0, 2)["value"].tolist() == [1, 2, 7]


def test_example_ids_that_do_not_count_are_in_no_slice():
    with pytest.raises(UserError, match="'q7' does not"):
        take_slice(scores(gpt4=[1.0]).assign(example_id="q7"), 0, 50)


def test_only_trained_candidates_are_compared_under_their_own_names():
    frame = scores(gpt4=[1.0], step_by_step=[2.0], step_by_step_cleaned=[3.0], claude=[4.0])
    kept = take_comparable(frame, outcomes(gpt4=[0.5], step_by_step=[0.6], rewrite=[0.1]), PAPER)
    assert dict(zip(kept["strategy"], kept["value"], strict=True)) == {"gpt4": 1, "step_by_step": 3}
    kept = take_comparable(frame, outcomes(gpt4=[0.5], step_by_step=[0.6]), SOUND)
    assert dict(zip(kept["strategy"], kept["value"], strict=True)) == {"gpt4": 1, "step_by_step": 2}


def test_equal_means_tie_whatever_the_order_of_the_seeds():
    runs = outcomes(gpt4=[0.1, 0.2, 0.3], claude=[0.3, 0.2, 0.1])
    assert accuracies(runs)["accuracy"].nunique() == 1


def test_the_paper_rounds_every_run_and_skips_those_with_nothing_right():
    runs = outcomes(gpt4=[0.50049, 0.0], claude=[0.5004, 0.5006])
    found = accuracies(runs, PAPER).set_index("strategy")["accuracy"]
    assert found["gpt4"] == 0.5
    assert found["claude"] == pytest.approx(0.5005)


def two_pairs():
    frame = pd.concat(
        [
            scores("gsm8k", gpt4=[1.0, 1.0], claude=[2.0, 2.0]),
            scores("piqa", gpt4=[1.0, 3.0], claude=[2.0, 1.0]),
        ]
    )
    runs = pd.concat([outcomes("gsm8k", gpt4=[0.8], claude=[0.4]), outcomes("piqa", gpt4=[0.60], claude=[0.61])])
    return frame.reset_index(drop=True), runs


def test_a_block_holds_the_pairs_whose_strategies_differ_enough():
    frame, runs = two_pairs()
    found = average_blocks(judge_slices(frame, runs, [SPPL]), {"all": -1, "far": 0.1}).set_index(["block", "method"])
    assert found.loc[("all", "best"), "accuracy"] == pytest.approx((0.8 + 0.61) / 2)
    assert found.loc[("far", "sppl_n2"), "n_pairs"] == 1
    assert found.loc[("far", "sppl_n2"), "accuracy"] == pytest.approx(0.8)


def test_slices_are_ranked_one_by_one_and_averaged():
    frame, runs = two_pairs()
    halves = Conventions("halves", slices=((0, 1), (1, 2)))
    table = judge_slices(frame, runs, [SPPL], halves)
    assert table[table["benchmark"] == "piqa"]["picked"].tolist() == ["gpt4", "claude"]
    found = average_blocks(table, {"all": -1}).set_index("method").loc["sppl_n2"]
    assert found["accuracy"] == pytest.approx((0.8 + (0.60 + 0.61) / 2) / 2)
    assert found["spearman"] == pytest.approx((1 + 0) / 2)
    assert found["weighted_spearman"] == pytest.approx(((0.4 - 0.01) / (0.4 + 0.01) + 1) / 2)


def test_always_one_strategy_is_averaged_over_the_same_pairs():
    frame, runs = two_pairs()
    found = average_strategies(judge_slices(frame, runs, [SPPL]), runs, ["gpt4"], blocks={"all": -1, "far": 0.1})
    assert found["accuracy"].tolist() == pytest.approx([0.7, 0.8])


def test_a_difference_between_metrics_resamples_whole_tasks():
    frame, runs = two_pairs()
    both = pd.concat([frame, frame.assign(metric="other", value=-frame["value"])], ignore_index=True)
    table = judge_slices(both, runs, [SPPL, RecordedMetric("other")])
    found = differences(table, "sppl_n2").set_index("measure")
    assert found.loc["accuracy", "difference"] == pytest.approx(((0.4 - 0.8) + (0.60 - 0.61)) / 2)
    assert found.loc["spearman", "low"] == -2
    assert found["n_tasks"].tolist() == [2, 2, 2]
