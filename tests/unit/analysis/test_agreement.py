import pandas as pd
import pytest

from sppl.analysis.agreement import agreement, disagreement, where_they_differ


def rankings(**ranks: dict[str, float]) -> pd.DataFrame:
    """`metric: {strategy: rank}`; the metric `length` has no direction."""
    rows = [
        {"benchmark": "b", "target_model": "t", "metric": metric, "strategy": strategy, "rank": float(rank),
         "direction": "none" if metric == "length" else "lower"}
        for metric, given in ranks.items()
        for strategy, rank in given.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


THREE = rankings(
    sppl={"gpt4": 1, "claude": 2, "code": 3},
    ifd={"gpt4": 3, "claude": 2, "code": 1},
    length={"gpt4": 2, "claude": 1, "code": 3},
)


def test_strategies_the_metrics_differ_most_about_come_first():
    frame = disagreement(THREE)
    assert frame["strategy"].tolist() == ["code", "gpt4", "claude"]
    assert frame["spread"].tolist() == [2, 2, 0]
    code = frame.iloc[0]
    assert (code["first_by"], code["best_by"], code["worst_by"]) == ("ifd", "ifd", "sppl")
    assert frame.iloc[2]["first_by"] == ""  # length puts it first, but has no direction


def test_agreement_is_the_rank_correlation_of_every_two_metrics_lowest_first():
    ranks = {"sppl": [1, 2, 3, 4], "ifd": [4, 3, 2, 1], "length": [2, 1, 4, 3]}
    names = ["gpt4", "claude", "code", "mini"]
    frame = agreement(rankings(**{metric: dict(zip(names, at, strict=True)) for metric, at in ranks.items()}))
    assert list(zip(frame["metric"], frame["other"], strict=True)) == [
        ("sppl", "ifd"),
        ("ifd", "length"),
        ("sppl", "length"),
    ]
    assert frame["spearman"].tolist() == pytest.approx([-1, -0.6, 0.6])


def test_three_strategies_are_too_few_for_a_rank_correlation():
    assert agreement(THREE)["spearman"].isna().all()


def test_metrics_that_rank_all_alike_have_no_agreement():
    names = ["gpt4", "claude", "code", "mini"]
    alike = dict.fromkeys(names, 2.5)
    frame = agreement(rankings(sppl=dict(zip(names, [1, 2, 3, 4], strict=True)), ifd=alike))
    assert frame["spearman"].isna().all()


def test_a_shared_first_place_is_a_first_place_of_both():
    frame = disagreement(rankings(ifd={"gpt4": 1.5, "claude": 1.5, "code": 3}))
    assert frame.set_index("strategy")["first_by"].to_dict() == {"gpt4": "ifd", "claude": "ifd", "code": ""}


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (THREE, "the metrics differ: gpt4 is first by sppl; code is first by ifd"),
        (THREE[THREE["metric"] == "ifd"], "all metrics that have a direction put code first"),
        (THREE[THREE["metric"] == "length"], "no metric has a direction, so none picks a strategy"),
    ],
)
def test_where_they_differ_in_plain_words(frame, said):
    assert where_they_differ(frame) == said
