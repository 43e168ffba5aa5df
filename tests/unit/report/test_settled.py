"""What a report says of pilots."""

import pandas as pd

from sppl.report.settled import read_settled


def pilots(**reached: float) -> pd.DataFrame:
    best = max(reached, key=lambda name: reached[name])
    how = {"benchmark": "b", "target_model": "t", "metric": "sppl_n2", "of": 5, "k": 2, "n_pilot": 100, "epochs": 3}
    how |= {"n_validation": 100, "n_seeds": 1, "untrained": 0.25}
    frame = pd.DataFrame({"strategy": reached.keys(), "pilot": reached.values()})
    return frame.assign(settled=frame["strategy"] == best, **how)


def test_the_sentence_has_what_each_reached_with_its_interval():
    found = read_settled(pilots(a=0.5, b=0.8))["b", "t"]
    assert (found.strategy, found.runner_up) == ("b", "a")
    assert "a 0.500 [0.404, 0.596], b 0.800 [0.711, 0.867] (untrained 0.250). b reached most." in found.said


def test_a_tie_is_said_and_the_better_score_decides():
    found = read_settled(pilots(a=0.5, b=0.5))["b", "t"]
    assert found.strategy == "a"
    assert "a and b tie, so the better score decides." in found.said


def test_without_pilots_nothing_is_settled():
    assert read_settled(pd.DataFrame()) == {}
