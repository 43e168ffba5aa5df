import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sppl.analysis.bed import Bed
from sppl.analysis.bed_table import POOLED, bed_table, cases
from sppl.analysis.selectors import FIXED, OTHER_TARGETS, RANDOM, rank_by_other_targets
from sppl.schemas import UserError


def outcomes(reached: dict[str, dict[str, float]], benchmark: str = "task", seed: int = 0) -> pd.DataFrame:
    rows = [
        {"benchmark": benchmark, "target_model": target, "strategy": strategy, "accuracy": accuracy}
        for target, of in reached.items()
        for strategy, accuracy in of.items()
    ]
    return pd.DataFrame(rows).assign(setup="", seed=seed)


def scores(metric: str, direction: str, values: dict[str, dict[str, float]]) -> pd.DataFrame:
    rows = [
        {"target_model": target, "strategy": strategy, "value": value}
        for target, of in values.items()
        for strategy, value in of.items()
    ]
    return pd.DataFrame(rows).assign(benchmark="task", metric=metric, direction=direction)


GRID = {"small": {"gpt4": 0.6, "claude": 0.5}, "large": {"gpt4": 0.7, "claude": 0.8}}
NOTHING = pd.DataFrame(columns=["benchmark", "target_model", "strategy", "metric", "direction", "value"])


def rows(bed: Bed) -> pd.DataFrame:
    return cases(bed).set_index(["selector", "target_model"])


def test_a_metric_loses_what_its_pick_lacks_to_the_best():
    found = rows(
        Bed("b", scores("sppl_n2", "lower", {name: {"gpt4": 1.0, "claude": 2.0} for name in GRID}), outcomes(GRID))
    )
    assert found.loc[("sppl_n2", "small"), ["regret", "top1", "spearman"]].tolist() == [0, 1, 1]
    assert found.loc[("sppl_n2", "large"), ["regret", "top1", "spearman"]].tolist() == pytest.approx([0.1, 0, -1])


def test_a_random_pick_loses_the_mean_of_all_picks():
    found = rows(Bed("b", NOTHING, outcomes(GRID)))
    assert found.loc[(RANDOM, "small"), ["regret", "top1"]].tolist() == pytest.approx([0.05, 0.5])


def test_what_is_best_for_other_targets_is_picked_for_this_one():
    found = rows(Bed("b", NOTHING, outcomes(GRID)))
    assert found.loc[(OTHER_TARGETS, "small"), "regret"] == pytest.approx(0.1)  # the large target says claude


def test_a_strategy_gains_nothing_from_having_been_tried_on_easy_tasks_only():
    hard = {"a": {"gpt4": 0.2, "claude": 0.1}, "b": {"gpt4": 0.2, "claude": 0.1}}
    easy = {"a": {"claude": 0.9, "mini": 0.95}, "b": {"claude": 0.9, "mini": 0.95}}
    here = {"a": {"gpt4": 0.5, "claude": 0.4}, "b": {"gpt4": 0.5, "claude": 0.4}}
    every = pd.concat([outcomes(hard, "hard"), outcomes(easy, "easy"), outcomes(here, "here")])
    found = cases(Bed("b", NOTHING, every)).set_index(["selector", "benchmark", "target_model"])
    assert found.loc[(FIXED, "here", "a"), "regret"] == 0  # gpt4, although claude's mean accuracy is higher


def test_a_length_is_two_selectors_and_no_metric():
    lengths = scores("length", "none", {name: {"gpt4": 10.0, "claude": 20.0} for name in GRID})
    found = rows(Bed("b", lengths, outcomes(GRID)))
    assert found.loc[("longest responses", "large"), "regret"] == 0
    assert found.loc[("shortest responses", "small"), "regret"] == 0
    assert "length" not in found.index.get_level_values("selector")


def test_a_metric_is_not_judged_where_it_lacks_a_strategy_and_the_table_says_so():
    values = {"small": {"gpt4": 1.0, "claude": 2.0}, "large": {"gpt4": 1.0}}
    table = bed_table(cases(Bed("b", scores("ifd", "lower", values), outcomes(GRID)))).set_index("selector")
    assert table.loc["ifd", "cases"] == 1
    assert "1 of 2 cases left out" in table.loc["ifd", "note"]
    assert table.loc[RANDOM, "note"] == ""


def test_a_target_with_one_strategy_is_no_case_and_is_named():
    bed = Bed("b", NOTHING, outcomes(GRID | {"lonely": {"gpt4": 0.5}}))
    assert bed.alone() == ["task / lonely"]
    assert set(cases(bed)["target_model"]) == set(GRID)


def test_a_bed_in_which_nothing_was_chosen_is_refused():
    with pytest.raises(UserError, match="no benchmark and target has two trained strategies"):
        cases(Bed("b", NOTHING, outcomes({"small": {"gpt4": 0.6}})))


def test_training_once_is_judged_by_the_other_seeds():
    every = pd.concat([outcomes({"m": {"a": 0.6, "b": 0.5}}), outcomes({"m": {"a": 0.4, "b": 0.7}}, seed=1)])
    found = rows(Bed("b", NOTHING, every))
    # seed 0 picks a, which seed 1 says loses .3; seed 1 picks b, which seed 0 says loses .1
    assert found.loc[("train all once", "m"), "regret"] == pytest.approx(0.2)


def test_beds_count_alike_in_the_pooled_share():
    good = scores("ifd", "lower", {"small": {"gpt4": 1.0, "claude": 2.0}})
    bad = scores("ifd", "lower", {"large": {"gpt4": 1.0, "claude": 2.0}})
    first, second = outcomes({"small": GRID["small"]}), outcomes({"large": GRID["large"]})
    every = pd.concat([cases(Bed("one", good, first)), cases(Bed("two", bad, second))])
    table = bed_table(every).set_index(["bed", "selector"])
    assert table.loc[(POOLED, "ifd"), "of_random"] == pytest.approx(1.0)  # the mean of 0 and .1 / .05
    assert table.loc[(POOLED, RANDOM), "of_random"] == 1


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=2, max_size=5))
def test_no_selector_wins_or_loses_more_than_there_is(grid):
    every = outcomes({f"t{at}": dict(zip("abc", row, strict=True)) for at, row in enumerate(grid)})
    found = cases(Bed("b", NOTHING, every))
    spread = {f"t{at}": max(row) - min(row) for at, row in enumerate(grid)}
    assert (found["regret"] >= -1e-12).all()
    assert (found["regret"] <= found["target_model"].map(spread) + 1e-12).all()
    table = bed_table(found)
    inside = table[table["regret_low"].notna()]
    assert np.all(inside["regret_low"] <= inside["regret"] + 1e-9)


def test_other_targets_rank_where_all_were_trained_with_the_same_settings():
    found = rank_by_other_targets(outcomes(GRID)).set_index(["target_model", "strategy"])["rank"]
    assert found.to_dict() == {
        ("small", "claude"): 1, ("small", "gpt4"): 2, ("large", "gpt4"): 1, ("large", "claude"): 2,
    }  # fmt: skip
    more = outcomes(GRID).assign(setup="n_train=400")
    assert rank_by_other_targets(pd.concat([outcomes(GRID), more])).empty
    assert rank_by_other_targets(outcomes({"small": GRID["small"]})).empty
