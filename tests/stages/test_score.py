import re
from pathlib import Path

import numpy as np
import pytest
import torch

from sppl.artifacts.store import MissingArtifact
from sppl.data.tokens import prompt_ids, response_ids
from sppl.models.target import frozen_target
from sppl.prompts import Template
from sppl.schemas import UserError
from sppl.study.plan import ranking_of

pytestmark = pytest.mark.filterwarnings("default")


def artifacts(store, kind: str) -> dict[str, int]:
    """Every table of a kind and when it was written."""
    return {str(path): path.stat().st_mtime_ns for path in Path(store.root, kind).rglob("*.parquet")}


def test_the_mean_loss_of_a_response_is_the_models_own_loss(stage, made, lab):
    stage("predict", made)
    plan = stage("score", made, "strategy=[gpt4]", "metric=[perplexity]")
    frame = made.read(made.open([*plan.found, *plan.to_make][0]))
    tokenizer, model = lab.target.tokenizer(), frozen_target(lab.target)
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
    before = artifacts(made, "token_stats")
    plan = stage("score", made, "strategy=[gpt4,step_by_step]")
    after = artifacts(made, "token_stats")
    assert {name: after[name] for name in before} == before
    assert all("/step_by_step/" in name for name in plan.to_make)


def test_other_settings_are_other_artifacts(stage, made):
    stage("predict", made)
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
    with pytest.raises(MissingArtifact, match=r"python run\.py 'stage=\[predict\]'"):
        stage("score", store, "strategy=[gpt4]")


def test_a_dry_run_makes_nothing(stage, store):
    plan = stage("score", store, dry=True)
    assert (len(plan.found), len(plan.to_make)) == (0, 9)
    assert artifacts(store, "token_stats") == {}


def test_a_response_longer_than_the_target_can_read_is_refused(stage, made, monkeypatch, lab):
    monkeypatch.setattr(frozen_target(lab.target).config, "max_position_embeddings", 30)
    with pytest.raises(UserError, match="30 tokens"):
        stage("score", made, "strategy=[code]", "metric=[perplexity]")


def _named(name: str):
    from sppl.strategies.recipe import Recipe

    return Recipe(name, "")


@pytest.mark.parametrize("overlong", ["skip", "truncate_left"])
def test_what_does_not_fit_is_left_out_or_cut_and_counted(stage, made, monkeypatch, lab, overlong):
    whole = stage("score", made, "strategy=[gpt4,human_examples]", "metric=[perplexity]")
    uncut = made.read(made.open((whole.found + whole.to_make)[0]))
    limit = int(uncut.groupby("example_id").size().max()) + 12  # the longest response fits, its prompt does not
    monkeypatch.setattr(frozen_target(lab.target).config, "max_position_embeddings", limit)
    given = ["strategy=[gpt4,human_examples]", "metric=[perplexity]", f"scorer.overlong={overlong}"]
    plan = stage("score", made, *given)
    artifact = made.open(next(name for name in plan.to_make if "/gpt4/" in name))
    n = made.provenance(artifact)["overlong"]
    kept = made.read(artifact)["example_id"].nunique()
    assert 0 < n < 6
    assert kept == (6 - n if overlong == "skip" else 6)
    assert len(made.read(artifact)) <= len(uncut)
    ranked = stage("rank", made, *given)
    frame = made.read(made.open(ranking_of(ranked)))
    assert set(frame["n_examples"]) == {kept}
    if overlong == "skip":
        assert frame["note"].str.contains(f"{n} questions left out").all()


def test_a_killed_scoring_run_loses_at_most_the_pass_it_was_in(stage, made, store, monkeypatch, caplog):
    from sppl.scoring.scorer import ResponseScorer

    stage("predict", store)
    stage("predict", made)
    given = ["strategy=[gpt4]", "metric=[sppl,perplexity]", "scorer.max_tokens=600"]
    step, calls = ResponseScorer.predict_step, []

    def dies(self, batch, batch_idx):
        calls.append(batch_idx)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return step(self, batch, batch_idx)

    monkeypatch.setattr(ResponseScorer, "predict_step", dies)
    with caplog.at_level("INFO"), pytest.raises((KeyboardInterrupt, SystemExit)):
        stage("score", store, *given)
    (passes,) = re.findall(r"in context, (\d+) passes", caplog.text)
    calls.clear()
    monkeypatch.setattr(ResponseScorer, "predict_step", lambda *given: (calls.append(0), step(*given))[1])
    plan = stage("score", store, *given)
    assert len(calls) == int(passes) - 2  # two were done, and the third was lost
    whole = stage("score", made, *given)
    for name in plan.to_make:
        np.testing.assert_allclose(
            store.read(store.open(name))["logprob"], made.read(made.open(name))["logprob"], atol=1e-5
        )
    assert set(whole.found + whole.to_make) == set(plan.to_make)
    assert not list(Path(store.root).rglob("*.npz"))


def test_a_run_killed_between_its_tables_finds_its_passes_and_writes_the_same_bytes(
    stage, store, monkeypatch, tmp_path
):
    from sppl.artifacts.store import Store
    from sppl.scoring.scorer import ResponseScorer

    undisturbed = Store(str(tmp_path / "undisturbed"))
    stage("predict", store)
    stage("predict", undisturbed)
    given = ["strategy=[gpt4,claude,rewrite]", "metric=[sppl,perplexity,lark]", "scorer.max_tokens=900"]
    write, tables = Store.write, []

    def dies(self, artifact, *given, **notes):
        tables.extend([artifact] if artifact.kind == "token_stats" else [])
        if len(tables) == 3:
            raise KeyboardInterrupt
        write(self, artifact, *given, **notes)

    monkeypatch.setattr(Store, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        stage("score", store, *given)
    monkeypatch.setattr(Store, "write", write)
    whole = stage("score", undisturbed, *given)
    step, calls = ResponseScorer.predict_step, []
    monkeypatch.setattr(ResponseScorer, "predict_step", lambda *given: (calls.append(0), step(*given))[1])
    again = stage("score", store, *given)
    assert len(again.found) == 2
    assert len(calls) < len(whole.to_make)  # the contexts that were not begun: those of other columns
    for name in (*again.found, *again.to_make):
        assert store.digest(store.open(name)) == undisturbed.digest(undisturbed.open(name))
    assert not list(Path(store.root).rglob("*.parts"))


def test_what_memory_was_found_to_hold_is_remembered_for_the_next_batch(stage, store, monkeypatch, caplog):
    from sppl.scoring import in_context
    from sppl.scoring.scorer import ResponseScorer

    stage("predict", store)
    whole, limit, refused = ResponseScorer._score, 300, []

    def small(self, batch):
        if batch.row_tokens > limit and len(batch.requests) > 1:
            refused.append(batch.row_tokens)
            raise torch.OutOfMemoryError(f"{batch.row_tokens} tokens")
        return whole(self, batch)

    in_context._scorer.cache_clear()
    monkeypatch.setattr(ResponseScorer, "_score", small)
    race = ["scorer.budget=race", "scorer.first=2", "scorer.then=1", "scorer.error=0", "strategy=[gpt4,claude]"]
    stage("score", store, *race, "metric=[sppl]")
    assert caplog.text.count("out of memory") == len(refused) > 0
    assert len(refused) <= 4  # halved until it fits, in the first of five batches; the others begin there
    in_context._scorer.cache_clear()
