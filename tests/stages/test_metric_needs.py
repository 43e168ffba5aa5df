"""What scoring stores for metrics that need more than log-probabilities, and what a score depends on."""

import pytest

from sppl.artifacts.store import MissingArtifact
from sppl.lab.source import LabQuestions
from sppl.schemas import UserError
from sppl.scoring.request_builder import refuse_empty

pytestmark = pytest.mark.filterwarnings("default")
TWO = "strategy=[gpt4,claude]"


def names(plan) -> list[str]:
    return sorted([*plan.found, *plan.to_make])


def test_further_columns_are_another_artifact_and_only_where_a_metric_asks(stage, made):
    plain = names(stage("score", made, "strategy=[gpt4]", "metric=[perplexity]"))
    both = names(stage("score", made, "strategy=[gpt4]", "metric=[perplexity,entropy]"))
    assert set(plain) < set(both)
    (rich,) = set(both) - set(plain)
    assert "/question+entropy-" in rich
    bare, more = made.read(made.open(plain[0])), made.read(made.open(rich))
    assert [column for column in more if column not in bare] == ["entropy"]
    assert abs(bare["logprob"] - more["logprob"]).max() < 1e-4
    assert (more["entropy"] >= 0).all()


def test_steps_cover_every_token_of_a_response_once(stage, made):
    whole, stepwise = (
        made.read(made.open(names(stage("score", made, "strategy=[gpt4]", f"metric=[{metric}]"))[0]))
        for metric in ("perplexity", "local_naturalness")
    )
    for example, rows in whole.groupby("example_id"):
        own = stepwise[stepwise["example_id"] == example]
        assert own["token"].tolist() == rows["token"].tolist()
        assert own["token_id"].tolist() == rows["token_id"].tolist()
        assert own["step"].tolist() == sorted(own["step"])
        first = own["step"] == 0
        assert own.loc[first, "logprob"].tolist() == pytest.approx(rows["logprob"][first.to_numpy()].tolist(), abs=1e-4)


def test_what_a_response_costs_is_kept_in_passes_over_question_and_response(stage, made):
    stage("predict", made)
    found = names(stage("score", made, "strategy=[gpt4]", "metric=[sppl,ifd]"))
    passes = {name.split("/")[4].split("-")[0]: made.provenance(made.open(name))["passes"] for name in found}
    assert passes["question"] == 1
    assert passes["alone"] < 1 < passes["self_aligned_n2"]


def test_a_metric_that_compares_depends_on_all_strategies_another_does_not(stage, made):
    stage("predict", made)
    metrics = "metric=[lark,perplexity]"
    stage("score", made, "strategy=[gpt4,claude,rewrite]", metrics)
    scores = {}
    for chosen in (TWO, "strategy=[gpt4,claude,rewrite]"):
        plan = stage("rank", made, chosen, metrics)
        inputs = made.provenance(made.open([*plan.found, *plan.to_make][-1]))["inputs"]
        scores[chosen] = {name for name in inputs if "/gpt4/" in name}
    two, three = scores.values()
    assert {name for name in two & three if "/perplexity-" in name}
    assert not {name for name in two & three if "/lark-" in name}
    assert len({name for name in two | three if "/lark-" in name}) == 2


def test_a_metric_whose_context_was_not_scored_is_the_command_that_scores_it(stage, made):
    stage("score", made, "strategy=[gpt4]", "metric=[perplexity]")
    with pytest.raises(
        MissingArtifact, match=r"stage=\[predict,score\].*strategy=\[gpt4\].*metric=\[local_naturalness\]"
    ):
        stage("rank", made, "strategy=[gpt4]", "metric=[local_naturalness]", "metric.local_naturalness.window=3")


def test_an_empty_response_is_refused_before_any_work():
    questions = LabQuestions().questions("train", 3)
    examples = {"gpt4": list(zip(questions, ["7", "", "8"], strict=True)), "claude": [(questions[0], " \n")]}
    with pytest.raises(UserError, match="train-0001 of gpt4, train-0000 of claude"):
        refuse_empty(examples)
