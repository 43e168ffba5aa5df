"""The block that stands first: what to train on, what it rests on, what has to be said beside it."""

import pandas as pd

from sppl.analysis.confidence import confidence
from sppl.analysis.ranking import rank
from sppl.report.picks import RACED, make_pick_list
from sppl.report.settled import Settled
from tests.unit.report.frames import Mean, examples

CLEAR = {"a": [1.0, 1.1, 1.2], "b": [2.0, 2.1, 2.2]}
AGAINST = {"a": [9.0, 9.0, 8.0], "b": [2.0, 3.0, 2.0]}


def ranked(**metrics: dict[str, list[float]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    scores = pd.concat([examples(name, values) for name, values in metrics.items()], ignore_index=True)
    return rank(scores, [Mean(name) for name in metrics]), scores


def picked(rankings: pd.DataFrame, scores: pd.DataFrame, **given):
    (one,) = make_pick_list(
        rankings, confidence(rankings), "sppl_n2", lambda *_: "next", lambda *_: "settle", scores=scores, **given
    )
    return one


def test_the_title_says_what_to_do_and_a_command_goes_on():
    one = picked(*ranked(sppl_n2=CLEAR))
    assert one.title == "Train on a (task / tiny), runner-up b"
    assert [line for _, line in one.commands] == ["settle", "next"]


def test_what_is_too_close_is_said_in_the_title_with_all_that_are_in_question():
    close = {"a": [1.0, 3.0, 1.0, 3.0], "b": [2.1, 2.0, 2.1, 2.0]}
    assert picked(*ranked(sppl_n2=close)).title == "Too close to call: a or b (task / tiny)"


def test_copies_are_no_agreement():
    one = picked(*ranked(sppl_n2=CLEAR, perplexity=CLEAR, ifd=AGAINST))
    assert "Of 2 metrics with a direction 1 puts a first. Not counted: perplexity says here what sppl_n2 does" in (
        one.said
    )


def test_a_fallback_is_a_caveat():
    rankings, scores = ranked(sppl_n2=CLEAR)
    one = picked(rankings.assign(flag="none of the 5 own answers is correct: scored without examples"), scores)
    assert one.caveats == ("None of the 5 own answers is correct: scored without examples.",)


def test_after_a_race_both_scales_are_named():
    rankings, scores = ranked(sppl_n2=CLEAR)
    assert RACED + "." in picked(rankings.assign(first_value=1.1, race="won the race"), scores).caveats


def test_pilots_that_tie_settle_nothing():
    rankings, scores = ranked(sppl_n2=CLEAR)
    tied = {("task", "tiny"): Settled("a", "b", "a and b tie.", ("a", "b"))}
    assert picked(rankings, scores, settled=tied).title == "Too close to call: a or b (task / tiny)"
    won = {("task", "tiny"): Settled("b", "a", "b reached most.")}
    assert picked(rankings, scores, settled=won).title == "Train on b (task / tiny), runner-up a"
