"""Advice from results of the user's other targets."""

import pandas as pd
import pytest

from sppl.analysis.paper import RecordedMetric
from sppl.analysis.ranking import rank
from sppl.stages.report import report
from sppl.study.other_targets import describe_leads, other_targets_of


def ranked(*strategies: str, target: str = "mine") -> pd.DataFrame:
    return pd.DataFrame({"benchmark": "sql", "target_model": target, "strategy": list(strategies)})


def trained(store, target: str, benchmark: str = "sql", split: str = "", n_train: int = 100, **right: int) -> None:
    for strategy, n in right.items():
        frame = pd.DataFrame({"question_id": list("abcd"), "answer": "x", "correct": [1.0] * n + [0.0] * (4 - n)})
        settings = {"of": [target, strategy, n, n_train, split]}
        artifact = store.artifact_id("results", benchmark, target, strategy, "seed0", settings=settings)
        notes = {"split": split} if split else {}
        store.write(artifact, frame, {}, 0.0, accuracy=n / 4, setup={"n_train": n_train}, seed=0, **notes)


def test_a_strategys_lead_is_over_the_mean_of_what_the_same_target_was_trained_on(store):
    trained(store, "small", gpt4=1, claude=3)  # .25 and .75: 25 points apart from their mean
    trained(store, "large", gpt4=3, claude=4)  # .75 and 1: 12.5 points
    found = other_targets_of(store, ranked("gpt4", "claude"))
    assert found[["strategy", "lead", "others"]].values.tolist() == [
        ["claude", pytest.approx(0.1875), "large, small"],
        ["gpt4", pytest.approx(-0.1875), "large, small"],
    ]
    assert describe_leads(found) == [
        "sql, mine: of your other targets (large, small), claude trained best, 18.8 points above the mean of the 2 "
        "strategies they share with this ranking"
    ]


def test_the_targets_own_results_are_no_advice(store):
    trained(store, "mine", gpt4=1, claude=3)
    assert other_targets_of(store, ranked("gpt4", "claude")).empty


@pytest.mark.parametrize("other", [{"benchmark": "gsm8k"}, {"split": "validation"}])
def test_another_benchmark_and_pilots_questions_are_no_advice(store, other):
    trained(store, "small", gpt4=1, claude=3, **other)
    assert other_targets_of(store, ranked("gpt4", "claude")).empty


def test_a_strategy_nobody_ranked_here_counts_in_the_mean_only(store):
    trained(store, "small", gpt4=1, claude=2, rewrite=3)
    found = other_targets_of(store, ranked("gpt4", "claude")).set_index("strategy")["lead"]
    assert found.to_dict() == pytest.approx({"claude": 0, "gpt4": -0.25})


def test_settings_of_training_are_compared_alike_with_alike(store):
    trained(store, "small", n_train=100, gpt4=1, claude=2)
    trained(store, "small", n_train=400, gpt4=3)  # alone with its setting: no lead
    assert other_targets_of(store, ranked("gpt4", "claude"))["lead"].tolist() == pytest.approx([0.125, -0.125])


def test_one_strategy_in_common_says_nothing(store):
    trained(store, "small", gpt4=1, claude=2)
    assert other_targets_of(store, ranked("gpt4", "rewrite")).empty


def test_a_report_over_several_targets_has_the_best_of_the_others_as_a_row_and_as_advice(store, tmp_path, capsys):
    rankings = []
    for target, right in (("small", (1, 3)), ("large", (3, 4))):
        values = ranked("gpt4", "claude", target=target).assign(metric="sppl_n2", value=[1.0, 2.0], example_id="q0")
        frame = rank(values, [RecordedMetric("sppl_n2")], resamples=0)
        artifact = store.artifact_id("rankings", "sql", target, "2_strategies", settings={"of": target})
        store.write(artifact, frame, {}, 0.0)
        rankings.append(artifact.name)
        trained(store, target, gpt4=right[0], claude=right[1])
    results = [artifact.name for artifact in store.artifacts("results", "sql", "*", "*")]
    report(
        name="two", folder=str(tmp_path), metric={}, conventions="default", rankings=rankings, results=results,
        store=store,
    )  # fmt: skip
    made = tmp_path.with_name(f"{tmp_path.name}-sql")
    judged = pd.read_csv(made / "metrics.csv").set_index(["metric", "target_model"])
    assert judged.loc["best of other targets", "picked"].to_dict() == {"large": "claude", "small": "claude"}
    assert judged.loc["best of other targets", "regret"].tolist() == [0, 0]
    assert "best of other targets" in (made / "index.html").read_text()
    assert "sql, small: of your other targets (large), claude trained best" in " ".join(capsys.readouterr().out.split())
    assert set(pd.read_csv(made / "other_targets.csv")["target_model"]) == {"large", "small"}


def test_where_all_strategies_did_alike_nothing_is_advised(store):
    trained(store, "small", gpt4=2, claude=2)
    found = other_targets_of(store, ranked("gpt4", "claude"))
    assert found["lead"].tolist() == [0, 0]
    assert describe_leads(found) == []
