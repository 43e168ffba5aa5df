from dataclasses import dataclass

import pandas as pd
import pytest
from studies.picker import FEATURES, candidates, search

from sppl.analysis.combining import Combination, standard_scores
from sppl.analysis.outcomes import accuracies
from sppl.analysis.ranking import rank


@dataclass(frozen=True)
class Mean:
    name: str
    higher_is_better: bool | None = False

    def aggregate(self, scores):
        return float(scores["value"].mean())


def scores(metric, benchmark="gsm8k", **values):
    rows = [{"strategy": name, "example_id": "q0", "value": value} for name, value in values.items()]
    return pd.DataFrame(rows).assign(benchmark=benchmark, target_model="tiny", metric=metric)


def ranked():
    frame = pd.concat(
        [scores("sppl_n2", gpt4=1.0, claude=10.0, rewrite=100.0), scores("reward", gpt4=1.0, claude=5.0, rewrite=3.0)]
    )
    return rank(frame, [Mean("sppl_n2"), Mean("reward", higher_is_better=True)], resamples=0)


def test_ranks_add_up_whatever_the_direction_of_a_metric():
    joined = Combination("both", {"sppl_n2": 1.0, "reward": 1.0}, "rank").rankings(ranked()).set_index("strategy")
    assert joined["value"].to_dict() == {"gpt4": 4, "claude": 3, "rewrite": 5}
    assert joined["rank"].to_dict() == {"gpt4": 2, "claude": 1, "rewrite": 3}
    assert set(joined["direction"]) == {"lower"}


def test_standard_scores_are_of_logarithms_for_perplexities_and_low_is_better():
    found = standard_scores(ranked()).set_index(["metric", "strategy"])["score"]
    step = (3 / 2) ** 0.5
    assert found["sppl_n2"].to_dict() == pytest.approx({"gpt4": -step, "claude": 0, "rewrite": step})
    assert found["reward"].idxmin() == "claude"
    assert found["reward"]["rewrite"] == pytest.approx(0)


def test_equal_sums_tie():
    joined = Combination("both", {"sppl_n2": 1.0, "reward": 0.5}, "rank").rankings(ranked()).set_index("strategy")
    assert joined["rank"].to_dict() == {"gpt4": 1.5, "claude": 1.5, "rewrite": 3}


def test_a_combination_of_an_unknown_metric_is_refused():
    with pytest.raises(KeyError, match="ifd"):
        Combination("both", {"ifd": 1.0}).rankings(ranked())


def test_the_search_tries_every_weighting_once():
    tried = candidates()
    assert len(tried) == 70
    assert len({tuple(one.values()) for one in tried}) == 70
    assert all(sum(one.values()) == 1 for one in tried)


def test_the_search_finds_the_metric_that_is_right_and_values_it_on_tasks_it_did_not_see():
    """`ifd` is right on every task, all others are wrong on every task."""
    frames, runs = [], []
    for benchmark in ("a", "b", "c"):
        for metric in FEATURES:
            right = metric == "ifd"
            good, bad = (1.0, 2.0) if right != (metric in ("reward", "log_probability")) else (2.0, 1.0)
            frames.append(scores(metric, benchmark, gpt4=good, claude=bad))
        reached = {"strategy": ["gpt4", "claude"], "accuracy": [0.9, 0.1]}
        runs.append(pd.DataFrame(reached).assign(benchmark=benchmark, target_model="tiny", setup="", seed=0))
    metrics = [Mean(name, name in ("reward", "log_probability")) for name in FEATURES]
    table = search(rank(pd.concat(frames), metrics, resamples=0), accuracies(pd.concat(runs)))
    assert table["accuracy"].iloc[0] == 0.9
    assert table["ifd"].iloc[0] > 0.5
    assert table["left_out"].iloc[0] == pytest.approx(0.9)
