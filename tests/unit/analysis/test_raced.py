"""The ranking after a race, with numbers small enough to check by hand."""

import pandas as pd
import pytest

from sppl.analysis.bed_checks import shipped_checks
from sppl.analysis.calibration import chance_of, gap
from sppl.analysis.confidence import confidence
from sppl.analysis.race_ranking import on_shared_questions, race_sentences, rank_raced
from sppl.analysis.ranking import sentence
from sppl.analysis.summary import strategies_table
from sppl.metrics.length import Length
from sppl.metrics.sppl import SelfAlignedPerplexity

METRICS = [SelfAlignedPerplexity(2), Length()]
VALUES = {"gpt4": [2.0, 4.0, 1.0, 1.0], "claude": [2.5, 3.5, 3.0, 3.0], "rewrite": [3.0, 5.0], "code": [9.0, 9.0]}
"""claude is below gpt4 on the first two questions, and was dropped after four; the others after two."""


def scores() -> pd.DataFrame:
    rows = [
        {"metric": metric, "strategy": strategy, "example_id": f"q{n}", "value": value * scale}
        for metric, scale in (("sppl_n2", 1.0), ("length", 10.0))
        for strategy, values in VALUES.items()
        for n, value in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(benchmark="lab", target_model="lab")


def decisions() -> pd.DataFrame:
    rows = [
        (2, "gpt4", 2, 1.0, 0.1, 0.5, 2.7, True),
        (2, "claude", 2, 0.9, 0.0, 0.0, 2.7, True),
        (2, "rewrite", 2, 1.3, 0.4, 3.0, 2.7, False),
        (2, "code", 2, 2.2, 1.3, 9.0, 2.7, False),
        (4, "gpt4", 4, 0.5, 0.0, 0.0, 2.4, True),
        (4, "claude", 4, 1.1, 0.6, 2.5, 2.4, False),
    ]
    return pd.DataFrame(
        rows, columns=["questions", "strategy", "n_examples", "mean", "behind", "z", "limit", "survives"]
    )


def ranked(metric: str) -> pd.DataFrame:
    frame = rank_raced(scores(), METRICS, decisions(), leading="sppl_n2", n_questions=6)
    return frame[frame["metric"] == metric].set_index("strategy")


def test_survivors_stand_first_then_who_was_dropped_later_then_by_value():
    assert ranked("sppl_n2")["rank"].to_dict() == {"gpt4": 1.0, "claude": 2.0, "rewrite": 3.0, "code": 4.0}


def test_a_value_is_that_of_the_strategys_own_questions_and_the_row_says_how_many():
    frame = ranked("sppl_n2")
    assert frame["value"].to_dict() == {"gpt4": 2.0, "claude": 3.0, "rewrite": 4.0, "code": 9.0}
    assert frame["n_examples"].to_dict() == {"gpt4": 4, "claude": 4, "rewrite": 2, "code": 2}
    assert frame["first_value"].to_dict() == {"gpt4": 2.0, "claude": 2.0, "rewrite": 3.0, "code": 3.0}
    assert frame.loc["gpt4", "note"] == "won the race after 4 of 6 questions"
    assert frame.loc["rewrite", "note"] == (
        "dropped after 2 of 6 questions: 0.400 nats per token behind (a geometric mean perplexity 1.49 times as high) "
        "on the same questions, 3.0 standard errors, the limit is 2.7"
    )
    assert frame["p_first"].isna().all()


def test_other_metrics_are_ranked_on_the_questions_all_strategies_have():
    frame = ranked("length")
    assert set(frame["n_examples"]) == {2}
    assert frame["value"].to_dict() == {"gpt4": 30.0, "claude": 30.0, "rewrite": 40.0, "code": 90.0}
    assert frame["note"].str.contains("on the 2 questions all strategies were scored on in the race by sppl_n2").all()


def test_a_race_that_dropped_nobody_ranks_as_without_a_race():
    whole = scores()[lambda frame: frame["example_id"].isin(["q0", "q1"])]
    everyone = decisions()[:4].assign(survives=True)
    frame = rank_raced(whole, METRICS, everyone, leading="sppl_n2", n_questions=2).set_index(["metric", "strategy"])
    assert frame.loc["sppl_n2", "rank"].to_dict() == {"gpt4": 1.5, "claude": 1.5, "rewrite": 3.0, "code": 4.0}
    assert frame.loc["sppl_n2", "p_first"].notna().all()
    assert not frame.loc["length", "note"].str.contains("race").any()


def test_who_was_dropped_in_the_last_batch_stands_behind_its_survivors():
    tied = decisions().assign(survives=lambda frame: frame["survives"] & (frame["strategy"] != "gpt4"))
    tied.loc[tied["strategy"].eq("claude"), "survives"] = True
    frame = rank_raced(scores(), METRICS[:1], tied, leading="sppl_n2", n_questions=4).set_index("strategy")
    assert frame["rank"].to_dict() == {"claude": 1.0, "gpt4": 2.0, "rewrite": 3.0, "code": 4.0}


def test_questions_that_one_strategy_lacks_are_not_shared():
    assert set(on_shared_questions(scores())["example_id"]) == {"q0", "q1"}


def test_the_chance_of_the_pick_compares_values_of_the_same_questions():
    late = scores()[lambda frame: ~frame["strategy"].eq("claude")]
    frame = rank_raced(
        late, METRICS[:1], decisions()[lambda frame: ~frame["strategy"].eq("claude")], leading="sppl_n2", n_questions=4
    )
    of_a_bed = frame.assign(
        benchmark="gsm8k", parameters=7.6e9, source="teacher", strategy=["gpt4", "rewrite", "mini_gpt4"]
    )
    (chance,) = confidence(of_a_bed)["chance"]
    slope = shipped_checks()["paper_main"]["chances"]["sppl_n2"]["slope"]
    assert chance == pytest.approx(float(chance_of(slope, gap("sppl_n2", 3.0, 4.0))))  # not 2.0 against 4.0


def test_the_sentences_and_the_table_tell_how_the_race_went():
    frame = rank_raced(scores(), METRICS, decisions(), leading="sppl_n2", n_questions=6)
    assert sentence(frame[frame["metric"] == "sppl_n2"]) == (
        "gpt4 is ahead of claude by sppl_n2; gpt4 won the race after 4 of 6 questions, claude was dropped after 4 of 6 "
        "questions: 0.600 nats per token behind (a geometric mean perplexity 1.82 times as high) on the same "
        "questions, 2.5 standard errors, the limit is 2.4"
    )
    races = decisions().assign(benchmark="lab", target_model="lab", metric="sppl_n2", of=6, error=0.05)
    (line,) = race_sentences(races)
    assert line.startswith(
        "lab / lab: race by sppl_n2: rewrite out after 2 (0.400 nats per token behind (a geometric mean perplexity "
        "1.49 times as high): 3.0 standard errors, the limit is 2.7)"
    )
    assert "gpt4 won after 4 of 6 questions; 12 of 24 responses scored; " in line
    assert line.endswith("the best strategy is dropped in at most 5 % of such races")
    outcomes = pd.DataFrame(
        {"benchmark": "lab", "target_model": "lab", "strategy": ["gpt4"], "setup": "", "seed": 0, "accuracy": 0.5}
    )
    notes = strategies_table(frame, outcomes).set_index("strategy")["note"]
    assert "sppl_n2: dropped after 2 of 6 questions" in notes["rewrite"]
