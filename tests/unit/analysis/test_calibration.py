from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from sppl.analysis.calibration import (
    calibrate,
    chance_of,
    comparisons,
    fit_slope,
    gap,
    predict_left_out,
)
from sppl.analysis.ranking import rank


@dataclass(frozen=True)
class Mean:
    name: str = "sppl_n2"
    higher_is_better: bool | None = False

    def aggregate(self, scores):
        return float(scores["value"].mean())


def ranking(metric="sppl_n2", higher=False, **values):
    rows = [{"strategy": name, "example_id": "q0", "value": value} for name, value in values.items()]
    frame = pd.DataFrame(rows).assign(benchmark="gsm8k", target_model="tiny", metric=metric)
    return rank(frame, [Mean(metric, higher)], resamples=0)


def outcomes(**accuracies):
    rows = [
        {"strategy": name, "seed": seed, "accuracy": value}
        for name, values in accuracies.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(benchmark="gsm8k", target_model="tiny", setup="n_train=1000")


def test_a_gap_of_perplexities_is_in_nats_and_of_rewards_in_their_unit():
    assert gap("sppl_n2", 2.0, 4.0) == pytest.approx(np.log(2))
    assert gap("reward", 2.0, 4.0) == 2.0


def test_a_comparison_names_the_better_scored_first_and_says_whether_it_won():
    table = comparisons(
        ranking(gpt4=1.0, claude=2.0, rewrite=4.0), outcomes(gpt4=[0.5, 0.6], claude=[0.7, 0.8], rewrite=[0.1, 0.2])
    )
    assert table[["better", "worse"]].to_numpy().tolist() == [
        ["gpt4", "claude"],
        ["gpt4", "rewrite"],
        ["claude", "rewrite"],
    ]
    assert table["won"].tolist() == [0, 1, 1]
    assert table["runner_up"].tolist() == [True, False, False]


def test_the_noise_between_seeds_blurs_a_small_difference():
    quiet = comparisons(ranking(gpt4=1.0, claude=2.0), outcomes(gpt4=[0.50, 0.51], claude=[0.45, 0.46]))
    noisy = comparisons(ranking(gpt4=1.0, claude=2.0), outcomes(gpt4=[0.40, 0.61], claude=[0.35, 0.56]))
    assert quiet["chance"].iloc[0] > 0.99
    assert 0.5 < noisy["chance"].iloc[0] < 0.7


def test_the_slope_is_found_again_in_simulated_comparisons():
    rng = np.random.default_rng(0)
    gaps = rng.exponential(1, 20000)
    won = (rng.random(20000) < chance_of(1.5, gaps)).astype(float)
    assert fit_slope(gaps, won) == pytest.approx(1.5, abs=0.06)


def test_a_benchmark_is_predicted_without_its_own_comparisons():
    """Nine benchmarks in which the better-scored wins, one in which it loses: the odd one must not see itself."""
    part = pd.DataFrame({"benchmark": np.repeat([f"b{i}" for i in range(10)], 20), "gap": 1.0, "chance": 1.0})
    odd = (part["benchmark"] == "b9").to_numpy()
    part.loc[odd, "chance"] = 0.0
    predicted = predict_left_out(part)
    assert predicted[odd].min() > 0.999
    assert predicted[~odd].max() < 0.95


def test_the_reliability_curve_holds_every_comparison_once():
    rng = np.random.default_rng(0)
    part = pd.DataFrame({"benchmark": np.repeat(["a", "b", "c"], 40), "gap": rng.exponential(1, 120)})
    won = (rng.random(120) < chance_of(2.0, part["gap"])).astype(float)
    part = part.assign(target_model="t", metric="sppl_n2", won=won, chance=won, runner_up=False)
    part.loc[0, "runner_up"] = True
    found = calibrate(part)["sppl_n2"]
    assert sum(one["n"] for one in found["reliability"]) == found["n_comparisons"] == 120
    assert found["pick"]["n"] == 1
    assert found["brier"] < found["brier_coin"] == 0.25
    assert found["brier_noise"] == 0


def test_without_a_second_seed_what_happened_is_the_chance():
    table = comparisons(ranking(gpt4=1.0, claude=2.0, rewrite=3.0), outcomes(gpt4=[0.5], claude=[0.7], rewrite=[0.5]))
    assert table["chance"].tolist() == table["won"].tolist() == [0, 0.5, 1]
