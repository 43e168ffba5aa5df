"""best_response: each question's response is the candidate the target finds best."""

from pathlib import Path

import pandas as pd
import pytest

from sppl.artifacts.store import MissingArtifact
from sppl.schemas import UserError
from sppl.study.plan import shown_name

pytestmark = pytest.mark.filterwarnings("default")
PARTS = ("gpt4", "claude", "rewrite")
BY = "metric@strategy.best_response.best.metric"


def tables(store, *words):
    """Every table under these words of the store, with its provenance."""
    paths = sorted(Path(store.root).glob("/".join((*words, "*.parquet"))))
    artifacts = [store.open(path.relative_to(store.root).with_suffix("").as_posix()) for path in paths]
    return [(store.read(artifact), store.provenance(artifact)) for artifact in artifacts]


def best_of(stage, store, *overrides):
    stage("generate", store, "strategy=[best_response]", "n_train=6", *overrides)
    return pd.concat([frame for frame, _ in tables(store, "responses/lab/best_response-*")], ignore_index=True)


def test_it_is_the_candidate_with_the_lowest_loss_per_token_and_the_artifact_says_whose_it_is(stage, store):
    made = best_of(stage, store).set_index("question_id")
    stage("score", store, f"strategy=[{','.join(PARTS)}]", "metric=[perplexity]")
    losses, texts = {}, {}
    for name in PARTS:
        ((frame, _),) = tables(store, f"token_stats/lab/lab/{name}")
        losses[name] = -frame.groupby("example_id")["logprob"].mean()
        ((frame, _),) = tables(store, f"responses/lab/{name}-*")
        texts[name] = frame.set_index("question_id")["response"]
    lowest = {id_: min(PARTS, key=lambda name, id_=id_: losses[name][id_]) for id_ in made.index}
    assert made["taken_from"].to_dict() == lowest
    assert made["response"].to_dict() == {id_: texts[name][id_] for id_, name in lowest.items()}
    ((_, fact),) = tables(store, "responses/lab/best_response-*")
    assert fact["taken_from"] == {name: list(lowest.values()).count(name) for name in PARTS}


def test_more_questions_add_to_it_and_change_nothing_that_is_there(stage, store):
    before = best_of(stage, store)
    after = best_of(stage, store, "n_train=9")
    pd.testing.assert_frame_equal(after.set_index("question_id").loc[before["question_id"]].reset_index(), before)
    assert len(after) == 9


def test_by_self_aligned_perplexity_it_needs_the_targets_own_answers_and_is_another_artifact(stage, store):
    with pytest.raises(MissingArtifact, match=r"python run\.py 'stage=\[predict\]'"):
        best_of(stage, store, f"{BY}=sppl")
    stage("predict", store)
    best_of(stage, store, f"{BY}=sppl")
    best_of(stage, store)
    assert len(list(Path(store.root).glob("responses/lab/best_response-*"))) >= 2
    assert {path.name.split("-")[0] for path in Path(store.root).glob("token_stats/lab/lab/gpt4/*.parquet")} == {
        "self_aligned_n2",
        "question",
    }


def test_a_dry_run_lists_the_candidates_and_the_tables_that_choose_among_them(stage, store):
    given = ["strategy=[best_response]", "n_train=6"]
    plan = stage("generate", store, *given, dry=True)
    tables = {f"token_stats/lab/lab/{name}/question-..." for name in PARTS}
    candidates = {f"{name} for best_response (6 responses)" for name in PARTS}
    assert set(map(shown_name, plan.to_make)) == {"best_response (6 responses)"} | candidates | tables
    stage("generate", store, *given)
    assert not stage("generate", store, *given, dry=True).to_make
    assert len(tables) == len(list(Path(store.root).glob("token_stats/lab/lab/*/question-*.parquet")))


def test_a_metric_without_direction_cannot_choose(stage, store):
    with pytest.raises(UserError, match="best_response cannot choose by length"):
        best_of(stage, store, f"{BY}=length")


def test_it_is_ranked_and_trained_like_any_other(run_py):
    settings = ["n_train=24", "n_test=8", "n_score=6", "n_predict=12", "training.epochs=1"]
    done = run_py(*settings, "strategy=[best_response,gpt4]", "metric=[perplexity]", "name=best")
    assert done.code == 0, done.out
    table = pd.read_csv(done.reports / "best" / "table.csv").set_index("strategy")
    assert table.loc["best_response", "perplexity"] <= table.loc["gpt4", "perplexity"]
    assert table["accuracy"].notna().all()
