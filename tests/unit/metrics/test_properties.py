"""What each metric must do when responses change: the sign of its answer, and what it must not look at."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sppl.analysis.resampling import value_of
from sppl.metrics.needs import Candidates, Gradients, HiddenStates, Rewards, TokenStats, compares, table_needs
from sppl.metrics.rank_average import RankAverage
from sppl.metrics.rank_surprisal_ratio import RankSurprisalRatio
from sppl.metrics.sppl import SelfAlignedPerplexity
from sppl.prompts import Alone, GivenQuestion, SelfAligned
from tests.unit.metrics.tables import CASES, load, values

METRICS = {path.stem: load(path)[1] for path in CASES}
MOVES = {path.stem: case["better"] for path in CASES if (case := load(path)[0]).get("better")}
"""Which column, moved up (1) or down (-1) for one strategy's responses, must make that strategy look better: `better`
of its case."""


def drawn(metric, seed: int, strategies=("gpt4", "claude", "rewrite"), examples=5) -> dict[TokenStats, pd.DataFrame]:
    """Random tables of what the metric needs; responses have 4 to 9 tokens in steps of 2 to 3."""
    rng = np.random.default_rng(seed)
    keys = [(s, f"q{e}", int(rng.integers(4, 10))) for s in strategies for e in range(examples)]
    tables = {}
    for need in table_needs([metric]):
        parts = []
        if not isinstance(need, TokenStats):
            tables[need] = pd.concat([whole(need, rng).assign(strategy=s, example_id=e) for s, e, _ in keys])
            continue
        for strategy, example, n in keys:
            columns = {"strategy": strategy, "example_id": example, "token": np.arange(n), "token_id": 7}
            columns |= {"logprob": -rng.uniform(0.2, 4, n), "rank": rng.integers(2, 90, n), "step": np.arange(n) // 3}
            columns |= {name: rng.uniform(0.2, 0.9, n) for name in ("entropy", "top50_brier")}
            parts.append(pd.DataFrame(columns))
        tables[need] = pd.concat(parts, ignore_index=True)
    return tables


def whole(need, rng) -> pd.DataFrame:
    """What is known of a response as a whole."""
    if isinstance(need, Rewards):
        return pd.DataFrame({"reward": rng.uniform(0.5, 5, 1)})
    if isinstance(need, Gradients):
        return pd.DataFrame({"dimension": range(6), "value": rng.normal(size=6)})
    if isinstance(need, HiddenStates):
        names = ("answer_loss", "question_loss", "answer_answer", "answer_question")
        return pd.DataFrame({name: rng.uniform(0.2, 0.9, 1) for name in names})
    return pd.DataFrame({"correct": rng.uniform(0.1, 0.9, 1)})


def of_gpt4(metric, tables) -> float:
    scores = metric.per_example(tables)
    return value_of(metric, scores[scores["strategy"] == "gpt4"])


def test_every_metric_with_a_direction_has_a_move():
    assert set(MOVES) == {name for name, metric in METRICS.items() if metric.higher_is_better is not None}


@pytest.mark.parametrize("name", MOVES)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_a_strategy_that_gets_better_looks_better(name, seed):
    metric, (table, column, sign) = METRICS[name], MOVES[name].values()
    tables = drawn(metric, seed)
    better = {need: frame.copy() for need, frame in tables.items()}
    frame = next(frame for need, frame in better.items() if need.name == table)
    own = frame["strategy"] == "gpt4"
    if column == "logprob":
        frame.loc[own, column] /= 3
    else:
        frame[column] = frame[column].astype(float).where(~own, frame[column] * (3 if sign > 0 else 0.5))
    before, after = of_gpt4(metric, tables), of_gpt4(metric, better)
    tolerance = 0 if name.startswith("rank_average") else 1e-9
    assert (after - before) * (1 if metric.higher_is_better else -1) >= tolerance


@pytest.mark.parametrize("name", METRICS)
def test_a_mask_that_starts_one_token_late_is_another_value(name):
    """The first token lost and one more at the end: nearly every published accident of a metric was a wrong mask."""
    metric = METRICS[name]
    tables = drawn(metric, 3)
    shifted = {}
    for need, frame in tables.items():
        if not isinstance(need, TokenStats):
            shifted[need] = frame
            continue
        columns = [c for c in frame if c not in ("strategy", "example_id", "token", "step")]
        moved = frame.groupby(["strategy", "example_id"])[columns].shift(-1)
        shifted[need] = frame.assign(**moved.fillna(dict.fromkeys(columns, 0.1) | {"rank": 1, "token_id": 7}))
    one, other = of_gpt4(metric, tables), of_gpt4(metric, shifted)
    if name == "length" or not any(isinstance(need, TokenStats) for need in tables):
        assert other == one  # so they do not notice, and the tests of what makes their tables must
    elif name.startswith("rank_average"):
        assert values(metric, shifted) != values(metric, tables)
    else:
        assert abs(other - one) > 1e-3 * abs(one)


@pytest.mark.parametrize("name", METRICS)
def test_rivals_change_a_value_only_where_the_metric_says_that_it_compares(name):
    metric = METRICS[name]
    tables = drawn(metric, 5)
    alone = {need: frame[frame["strategy"] == "gpt4"] for need, frame in tables.items()}
    same = of_gpt4(metric, alone) == pytest.approx(of_gpt4(metric, tables), rel=1e-12)
    assert same != compares(metric)


def test_a_ratio_of_means_is_not_a_mean_of_ratios():
    metric = RankSurprisalRatio()
    scores = metric.per_example(drawn(metric, 1))
    assert value_of(metric, scores) == pytest.approx(scores["mean_rank"].sum() / scores["mean_surprisal"].sum())
    assert value_of(metric, scores) != pytest.approx(scores["value"].mean())


def test_the_gain_is_log_perplexity_less_log_sppl():
    tables = drawn(METRICS["in_context_gain_n2"], 2)
    gain, ppl, sppl = (values(METRICS[name], tables) for name in ("in_context_gain_n2", "perplexity", "sppl_n2"))
    assert gain == pytest.approx({key: np.log(ppl[key]) - np.log(sppl[key]) for key in ppl})


def test_a_response_of_one_step_is_as_natural_locally_as_globally():
    metric = METRICS["local_naturalness_w1"]
    (need,) = metric.needs()
    frame = drawn(metric, 4)[need].assign(step=0)
    assert values(metric, {need: frame}) == pytest.approx(
        values(METRICS["grape"], {TokenStats(GivenQuestion()): frame})
    )


def test_an_average_of_ranks_asks_for_what_its_parts_need_once():
    metric = RankAverage([SelfAlignedPerplexity(2), METRICS["ifd"], METRICS["perplexity"]])
    wanted = (TokenStats(SelfAligned(2)), TokenStats(GivenQuestion()), TokenStats(Alone()), Candidates())
    assert metric.needs() == wanted


def test_lark_of_a_single_candidate_is_its_brier_score_over_its_loss():
    metric = METRICS["lark"]
    tables = drawn(metric, 6, strategies=("gpt4",))
    (frame,) = tables.values()
    means = frame.groupby("example_id")[["top50_brier", "logprob"]].mean()
    assert values(metric, tables) == pytest.approx((means["top50_brier"] / -means["logprob"]).to_dict())
