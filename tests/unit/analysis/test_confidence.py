"""What may be said of a pick: inside the kind of data that was checked, and outside."""

import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sppl.analysis.bed_checks import shipped_checks
from sppl.analysis.confidence import confidence, in_words

INSIDE = {"benchmark": "gsm8k", "target_model": "mine", "source": "teacher", "parameters": 7.6e9}
LAB = {"benchmark": "lab", "target_model": "lab", "source": "simulated", "parameters": 0.5e6}
CHECKED_ON = re.compile(r"billion|7-8B|51 |17 |\d %|points")
"""What only a sentence about checked cases says."""


def ranking(*strategies: str, metric: str = "sppl_n2", direction: str = "lower", **facts) -> pd.DataFrame:
    frame = pd.DataFrame({"strategy": strategies}).assign(metric=metric, direction=direction, **facts)
    return frame.assign(rank=range(1, len(strategies) + 1), value=[1.0 + at for at in range(len(strategies))])


def said(**facts) -> str:
    return confidence(ranking("gpt4", "claude", **facts)).iloc[0]["said"]


def test_inside_what_was_checked_the_bound_and_the_chance_are_stated():
    row = confidence(ranking("gpt4", "claude", **INSIDE)).iloc[0]
    assert row["bed"] == "paper_main"
    assert row["bound"] == pytest.approx(0.0289, abs=5e-5)
    assert 0.5 < row["chance"] < 0.8
    assert (
        "Such picks lost at most 2.9 points in 9 of 10 cases (51 cases: 17 benchmarks, targets of 7.2 bi" in row["said"]
    )
    assert "held in 90 % of cases with the benchmark left out and 92 % of cases with the target" in row["said"]


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"benchmark": "sql"}, "no test bed has the benchmark sql"),
        ({"parameters": 0.135e9}, "no test bed has a target of 135 million weights"),
        ({"parameters": 70e9}, "no test bed has a target of 70 billion weights"),
        ({"parameters": None}, "no test bed has a target of unknown size"),
        ({"source": "simulated"}, "no test bed has simulated responses"),
        ({"metric": "lark"}, "no test bed has the metric lark"),
    ],
)
def test_outside_nothing_is_stated_but_why(facts, why):
    row = confidence(ranking("gpt4", "claude", **(INSIDE | facts))).iloc[0]
    assert why in row["said"]
    assert row["bed"] == ""
    assert row[["chance", "bound"]].isna().all()
    assert not re.search("points|Chance", row["said"])


def test_strategies_that_no_bed_has_are_named():
    assert "no test bed has the strategies self_check and code" in confidence(
        ranking("self_check", "code", **INSIDE)
    ).iloc[0]["said"].replace("strategies code and self_check", "strategies self_check and code")


@settings(deadline=None, max_examples=60)
@given(
    metric=st.sampled_from(
        [*shipped_checks()["paper_main"]["bounds"], *shipped_checks()["rsr"]["bounds"], "lark", "grape"]
    ),
    strategies=st.lists(st.sampled_from(["gpt4", "claude", "rewrite", "code"]), min_size=1, max_size=4, unique=True),
    values=st.lists(st.floats(0.1, 9), min_size=4, max_size=4),
    teacher=st.sampled_from(["", "gpt_4o"]),
    known=st.booleans(),
)
def test_the_lab_never_gets_a_sentence_about_other_models(metric, strategies, values, teacher, known):
    facts = LAB if known else {key: LAB[key] for key in ("benchmark", "target_model")}
    frame = ranking(*strategies, metric=metric, **facts).assign(value=values[: len(strategies)], teacher=teacher)
    (row,) = confidence(frame).to_dict("records")
    assert not CHECKED_ON.search(row["said"] + row["note"]), row["said"]
    assert pd.isna(row["chance"])
    assert pd.isna(row["bound"])


def test_a_chance_that_beat_no_coin_on_this_kind_of_data_is_not_stated():
    row = confidence(ranking("gpt4", "claude", metric="log_probability", direction="higher", **INSIDE)).iloc[0]
    assert row["chance"] is pd.NA
    assert "n/a (on this kind of data a gap predicted no more than a coin)" in row["said"]
    assert "Such picks lost at most" in row["said"]


def test_perplexitys_chances_are_not_stated_on_long_reasoning():
    facts = {"benchmark": "long_mathematics", "target_model": "mine", "source": "files", "parameters": 7e9}
    row = confidence(ranking("QwQ-32B", "Phi-4", metric="perplexity", **facts)).iloc[0]
    assert row["bed"] == "rsr"
    assert row["chance"] is pd.NA


def test_a_metric_of_one_bed_has_no_chance_because_it_was_checked_on_no_other():
    facts = {"benchmark": "long_mathematics", "target_model": "mine", "source": "files", "parameters": 7e9}
    row = confidence(ranking("QwQ-32B", "Phi-4", metric="rank_surprisal_ratio", **facts)).iloc[0]
    assert "no other test bed has this metric" in row["said"]
    assert "at most 1.2 points in 8 of 10 cases" in row["said"]


def test_equal_scores_have_no_chance():
    row = confidence(ranking("gpt4", "claude", **INSIDE).assign(value=1.0)).iloc[0]
    assert row["note"] == "the first two are equal"


def test_a_single_strategy_was_not_picked():
    assert confidence(ranking("gpt4", **INSIDE)).iloc[0]["said"] == "A single strategy: nothing was picked."


def test_a_metric_without_direction_picks_nothing_and_has_no_row():
    assert confidence(ranking("gpt4", "claude", metric="length", direction="none", **INSIDE)).empty


def test_recipes_of_one_teacher_are_said_to_be_indistinguishable():
    assert "All candidates are recipes of one teacher, gpt_4o: no metric was shown" in said(**INSIDE, teacher="gpt_4o")
    assert "one teacher" not in said(**INSIDE, teacher=["gpt_4o", "claude_sonnet"])
    assert "one teacher" not in said(**INSIDE, teacher="")


def test_what_is_stated_passed_its_check():
    for facts in shipped_checks().values():
        for levels in facts["bounds"].values():
            for one in levels:
                held = [one[key] for key in ("left_benchmark", "left_target") if one[key] is not None]
                assert not one["stated"] or (held and min(held) >= one["level"] - 0.05)
        for chance in facts["chances"].values():
            assert not chance["stated"] or (
                chance["brier"] < chance["coin"] and chance["brier_pick"] < chance["coin_pick"]
            )


@pytest.mark.parametrize(("n", "words"), [(487_000, "0.49 million"), (135e6, "135 million"), (7.62e9, "7.6 billion")])
def test_sizes_are_told_in_words(n, words):
    assert in_words(n) == words
