"""Racing online: batches for all strategies still in it, decisions kept, nothing compared across questions."""

import pandas as pd
import pytest

from sppl.artifacts.store import MissingArtifact
from sppl.data.tokens import prompt_ids, response_ids
from sppl.models.target import frozen_target
from sppl.prompts import Template
from sppl.schemas import UserError
from sppl.strategies.recipe import Recipe

pytestmark = pytest.mark.filterwarnings("default")
FOUR = "strategy=[gpt4,claude,rewrite,code]"
RACE = ["scorer.budget=race", "scorer.first=4", "scorer.then=2", "n_score=8", FOUR, "metric=[sppl,length]"]


def made_of(store, plan, kind: str) -> list[str]:
    return [name for name in (*plan.found, *plan.to_make) if name.startswith(kind)]


def decisions(store, plan) -> pd.DataFrame:
    (name,) = made_of(store, plan, "races/")
    return store.read(store.open(name))


def ranking(stage, store, *given: str) -> pd.DataFrame:
    plan = stage("rank", store, *given)
    return store.read(store.open([*plan.found, *plan.to_make][-1]))


def test_batch_by_batch_gives_the_scores_of_all_at_once_and_the_same_ranking(stage, made):
    stage("predict", made)
    nobody_out = [*RACE, "scorer.error=0"]
    raced, fixed = stage("score", made, *nobody_out), stage("score", made, *RACE, "scorer.budget=fixed")
    key = ["example_id", "token"]
    for context in ("self_aligned_n2", "question"):
        where = f"token_stats/lab/lab/gpt4/{context}"
        one, other = (
            pd.concat([made.read(made.open(name)) for name in made_of(made, plan, where)]).set_index(key).sort_index()
            for plan in (raced, fixed)
        )
        assert len(made_of(made, raced, where)) == 3  # 4, 2 and 2 questions
        assert abs(one["logprob"] - other["logprob"]).max() < 1e-4  # each shown the same answers as without a race
        assert one["token_id"].equals(other["token_id"])
    both = [ranking(stage, made, *given) for given in (nobody_out, [*RACE, "scorer.budget=fixed"])]
    assert both[0][["metric", "strategy", "rank"]].equals(both[1][["metric", "strategy", "rank"]])
    assert both[0]["value"].tolist() == pytest.approx(both[1]["value"].tolist(), abs=1e-5)


def test_a_strategy_clearly_behind_is_scored_no_further_and_ranked_behind(stage, made):
    stage("predict", made)
    plan = stage("score", made, *RACE, "scorer.error=0.3")
    kept = decisions(made, plan)
    dropped = kept[~kept["survives"]].groupby("strategy")["questions"].max()
    assert len(dropped)
    for name, questions in dropped.items():
        artifacts = made_of(made, plan, f"token_stats/lab/lab/{name}/self_aligned")
        assert sum(made.read(made.open(artifact))["example_id"].nunique() for artifact in artifacts) == questions
    frame = ranking(stage, made, *RACE, "scorer.error=0.3")
    led = frame[frame["metric"] == "sppl_n2"].set_index("strategy")
    assert led.loc[dropped.index, "rank"].min() > led.drop(dropped.index)["rank"].max()
    assert led.loc[dropped.index, "note"].str.startswith("dropped after").all()
    assert frame.loc[frame["metric"] == "length", "n_examples"].nunique() == 1


def test_a_race_killed_in_its_second_batch_goes_on_with_the_same_bytes(stage, made, store, monkeypatch):
    from sppl.scoring.scorer import ResponseScorer

    given = [*RACE, "scorer.error=0", "scorer.max_tokens=700"]
    stage("predict", store)
    stage("predict", made)
    step, calls = ResponseScorer.predict_step, []

    def counted(self, batch, batch_idx):
        calls.append(batch)
        if len(calls) == dies_at:
            raise KeyboardInterrupt
        return step(self, batch, batch_idx)

    monkeypatch.setattr(ResponseScorer, "predict_step", counted)
    dies_at = 0
    whole = stage("score", made, *given, "scorer.first=3")
    passes = len(calls)
    calls.clear()
    dies_at = passes - 1
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        stage("score", store, *given, "scorer.first=3")
    calls.clear()
    dies_at = 0
    again = stage("score", store, *given, "scorer.first=3")
    assert len(calls) == 2  # the pass it was in, and the one after
    assert {*whole.found, *whole.to_make} == {*again.found, *again.to_make}
    for name in made_of(store, again, ""):
        assert store.digest(store.open(name)) == made.digest(made.open(name))
    first, second = (ranking(stage, one, *given, "scorer.first=3") for one in (made, store))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_a_race_that_is_over_is_not_run_again_and_a_new_metric_scores_only_what_it_needs(stage, made):
    stage("predict", made)
    before = decisions(made, stage("score", made, *RACE))
    again = stage("score", made, *RACE)
    assert not again.to_make
    more = stage("score", made, *RACE[:-1], "metric=[sppl,length,ifd]")
    assert {name.split("/")[4].split("-")[0] for name in more.to_make} == {"alone"}
    pd.testing.assert_frame_equal(decisions(made, more), before)


def test_other_settings_of_the_race_are_another_race(stage, made):
    stage("predict", made)
    plans = [stage("score", made, *RACE, given) for given in ("scorer.error=0.1", "scorer.error=0.2", "scorer.then=4")]
    assert len({made_of(made, plan, "races/")[0] for plan in plans}) == 3


def test_what_a_race_scored_is_never_read_as_scores_of_all_questions(stage, store):
    stage("predict", store)
    stage("score", store, *RACE)
    with pytest.raises(MissingArtifact, match=r"strategy=\[gpt4,claude,rewrite,code\]"):
        stage("rank", store, *RACE, "scorer.budget=fixed")
    with pytest.raises(MissingArtifact, match=r"scorer\.budget=race"):
        stage("rank", store, *RACE, "strategy=[gpt4,claude]")


def test_a_dry_race_says_what_it_would_make_first_and_makes_nothing(stage, made, store):
    stage("predict", made)
    stage("score", made, *RACE)
    assert not stage("score", made, *RACE, dry=True).to_make
    assert stage("score", store, *RACE, dry=True).to_make
    from pathlib import Path

    assert not Path(store.root, "races").exists()


def test_a_batch_in_which_nothing_fits_the_target_is_passed_over(stage, made, store, lab, monkeypatch):
    given = ["strategy=[gpt4,claude]", "metric=[perplexity]", "scorer.overlong=skip", "scorer.error=0", "n_score=8"]
    tokenizer, length = lab.target.tokenizer(), {}
    for question in lab.benchmark.questions.questions("train", 8):
        (text,) = lab.benchmark.responses.respond(Recipe("gpt4", ""), [question])
        prompt = prompt_ids(tokenizer, question.prompt, Template())
        length[question.id] = len(prompt) + len(response_ids(tokenizer, text, Template(), end=False))
    first = list(length.values())[:2]
    stage("predict", store)
    monkeypatch.setattr(frozen_target(lab.target).config, "max_position_embeddings", min(first) - 1)
    race = [*given, "scorer.budget=race", "scorer.first=2", "scorer.then=2"]
    kept = decisions(store, stage("score", store, *race))
    assert kept["questions"].min() > 2  # the first two did not fit
    assert 0 < kept["n_examples"].max() <= sum(size < min(first) for size in length.values())
    assert ranking(stage, store, *race)["n_examples"].max() == kept["n_examples"].max()
    pd.testing.assert_frame_equal(decisions(store, stage("score", store, *race)), kept)
    monkeypatch.setattr(frozen_target(lab.target).config, "max_position_embeddings", 5)
    with pytest.raises(UserError, match="no question fits the target's context for all"):
        stage("score", made, *race)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["strategy=[gpt4]"], r"all of them in one job; this job has only gpt4\. Give them as a list"),
        (["strategy=[gpt4,gold_label]"], r"all of them in one job"),  # a reference does not race
        (["metric=[length]"], r"length have none; add sppl: 'metric=\[sppl,length\]'"),
    ],
)
def test_a_race_that_cannot_be_run_is_refused_before_any_work(stage, store, given, said):
    with pytest.raises(UserError, match=said):
        stage("score", store, *RACE, *given, dry=True)
