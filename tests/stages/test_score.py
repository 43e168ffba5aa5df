import numpy as np
import pytest
import torch

from sppl.data.tokens import prompt_ids, response_ids
from sppl.models.target import frozen
from sppl.prompts import Template
from sppl.schemas import UserError
from sppl.store import MissingArtefact

pytestmark = pytest.mark.filterwarnings("default")


def leaves(store, kind: str) -> dict[str, int]:
    """Every table of a kind and when it was written."""
    from pathlib import Path

    return {str(path): path.stat().st_mtime_ns for path in Path(store.root, kind).rglob("*.parquet")}


def test_the_mean_loss_of_a_response_is_the_models_own_loss(stage, made, lab):
    stage("predict", made)
    plan = stage("score", made, "strategy=[gpt4]", "metric=[perplexity]")
    frame = made.read(made.open([*plan.found, *plan.to_make][0]))
    tokenizer, model = lab.target.tokenizer(), frozen(lab.target)
    questions = lab.benchmark.questions.questions("train", 6)
    texts = lab.benchmark.responses.respond(_named("gpt4"), questions)
    for question, text in zip(questions, texts, strict=True):
        prompt = prompt_ids(tokenizer, question.prompt, Template())
        ids = torch.tensor([prompt + response_ids(tokenizer, text, Template(), end=False)])
        labels = ids.clone()
        labels[:, : len(prompt)] = -100
        expected = model(input_ids=ids, labels=labels).loss.item()
        mine = frame[frame["example_id"] == question.id]
        assert len(mine) == ids.shape[1] - len(prompt)  # no prompt token is scored
        assert -mine["logprob"].mean() == pytest.approx(expected, abs=1e-5)


def test_scores_are_the_same_one_strategy_at_a_time_or_all_at_once(stage, made, store):
    together = stage("score", made, "strategy=[gpt4,claude]")
    stage("predict", store)
    alone = [stage("score", store, f"strategy=[{name}]", "scorer.max_tokens=700") for name in ("gpt4", "claude")]
    names = sorted([*together.found, *together.to_make])
    assert names == sorted(name for plan in alone for name in plan.to_make)
    for name in names:
        here, there = made.read(made.open(name)), store.read(store.open(name))
        np.testing.assert_allclose(here["logprob"], there["logprob"], atol=1e-4)
        assert abs(here["logprob"].mean() - there["logprob"].mean()) < 1e-5


def test_what_is_there_is_not_scored_again(stage, made):
    stage("score", made, "strategy=[gpt4]")
    before = leaves(made, "token_stats")
    plan = stage("score", made, "strategy=[gpt4,step_by_step]")
    after = leaves(made, "token_stats")
    assert {name: after[name] for name in before} == before
    assert all("/step_by_step/" in name for name in plan.to_make)


def test_other_settings_are_other_leaves(stage, made):
    one = stage("score", made, "strategy=[gpt4]", "metric=[sppl]")
    two = stage("score", made, "strategy=[gpt4]", "metric=[sppl]", "metric.sppl.n_examples=1")
    worded = stage("score", made, "strategy=[gpt4]", "metric=[sppl]", "prompt.example='So: {answer}'")
    ended = stage("score", made, "strategy=[gpt4]", "metric=[sppl]", "scorer.end=true")
    assert len({plan.found + plan.to_make for plan in (one, two, worded, ended)}) == 4


def test_ending_the_response_is_one_more_token(stage, made):
    bare = stage("score", made, "strategy=[gpt4]", "metric=[perplexity]")
    ended = stage("score", made, "strategy=[gpt4]", "metric=[perplexity]", "scorer.end=true")
    lengths = [
        made.read(made.open((plan.found + plan.to_make)[0])).groupby("example_id").size() for plan in (bare, ended)
    ]
    assert (lengths[1] - lengths[0] == 1).all()


def test_missing_predictions_are_the_command_that_makes_them(stage, store):
    with pytest.raises(MissingArtefact, match=r"python run\.py stage=predict benchmark=lab target_model=lab"):
        stage("score", store, "strategy=[gpt4]")


def test_a_dry_run_makes_nothing(stage, store):
    plan = stage("score", store, dry=True)
    assert (len(plan.found), len(plan.to_make)) == (0, 9)
    assert leaves(store, "token_stats") == {}


def test_a_response_longer_than_the_target_can_read_is_refused(stage, made, monkeypatch, lab):
    monkeypatch.setattr(frozen(lab.target).config, "max_position_embeddings", 30)
    with pytest.raises(UserError, match="30 tokens"):
        stage("score", made, "strategy=[code]", "metric=[perplexity]")


def _named(name: str):
    from sppl.strategies.recipe import Recipe

    return Recipe(name, "")
