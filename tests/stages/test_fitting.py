"""What does not fit the target's context: left out or shortened alike for all strategies, counted, and said."""

import json
import re
import shutil

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.artifacts.store import MissingArtifact, Store
from sppl.data.tokens import prompt_ids, response_ids
from sppl.models.target import frozen_target
from sppl.prompts import FixedExamples, GivenQuestion, SelfAligned, SelfAlignedPrompt, StepWise, Template
from sppl.schemas import Question, UserError
from sppl.scoring.overlong import fit_responses, prompt_rooms
from sppl.scoring.pool import Pool
from sppl.scoring.request_builder import RequestBuilder, ResponseInContext
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.scoring_settings import Scoring
from sppl.scoring.separate_jobs import refuse_separate_jobs
from sppl.strategies.recipe import Recipe
from sppl.study.plan import ranking_of
from tests.conftest import ROOT

pytestmark = pytest.mark.filterwarnings("default")
CUT = Scoring(overlong="truncate_left")
WORDING = SelfAlignedPrompt(
    "{question} Like: {examples} Now answer.", "<{answer}>", examples_first="{examples} {question}"
)
QUESTION = Question("q0", "Ann has 3 plums and 4 pears. How many fruits?", "7", {})
POOL = Pool(("p0", "p1", "p2"), ("one two three", "four five six", "seven eight nine"), "")


@pytest.fixture
def asking(lab):
    return RequestBuilder(lab.target, WORDING, POOL, CUT)


def within(asking, context, responses: dict[str, str], limit: int) -> dict[str, ResponseInContext]:
    """One question's responses, with prompts that leave room for the longest."""
    asked = {name: asking.responses([(QUESTION, text)], context, steps=False) for name, text in responses.items()}
    room = prompt_rooms(asked.values(), limit)
    again = {
        (name, context): asking.responses([(QUESTION, text)], context, steps=False, rooms=room)
        for name, text in responses.items()
    }
    return {name: one for (name, _), fit in fit_responses(again, limit, CUT).items() for one in fit.responses}


LONG, SHORT = "3 + 4 = 7, so 7 fruits.", "7"


@pytest.mark.parametrize("context", [SelfAligned(2), FixedExamples(2)], ids=["question_first", "examples_first"])
def test_own_answers_go_before_a_word_of_the_question_does_the_first_first_alike_for_all(asking, lab, context):
    whole = within(asking, context, {"gpt4": LONG, "claude": SHORT}, 10_000)
    full = len(whole["gpt4"].prompt) + len(whole["gpt4"].ids)
    fewer = within(asking, context, {"gpt4": LONG, "claude": SHORT}, full - 1)
    assert {one.shortened for one in fewer.values()} == {"fewer_examples"}
    assert fewer["gpt4"].prompt == fewer["claude"].prompt
    text = lab.target.tokenizer().decode(fewer["gpt4"].prompt)
    shown = POOL.shown(WORDING, [QUESTION], 2)[0] if isinstance(context, SelfAligned) else list(POOL.texts[-2:])
    assert QUESTION.prompt in text
    assert shown[1] in text
    assert shown[0] not in text
    alone = within(asking, context, {"claude": SHORT}, full - 1)
    assert alone["claude"].shortened == ""  # a short response by itself leaves room for both


def test_where_no_own_answer_is_left_the_questions_beginning_is_cut_alike_for_all(asking):
    bare = within(asking, GivenQuestion(), {"gpt4": LONG, "claude": SHORT}, 10_000)["gpt4"]
    limit = len(bare.prompt) + len(bare.ids) - 3
    for context in (GivenQuestion(), SelfAligned(2)):
        cut = within(asking, context, {"gpt4": LONG, "claude": SHORT}, limit)
        assert cut["gpt4"].prompt == cut["claude"].prompt == bare.prompt[:1] + bare.prompt[4:]
        assert {one.shortened for one in cut.values()} == {"cut"}


def test_a_response_that_fits_behind_no_prompt_is_left_out_and_shortens_nobodys_prompt(asking):
    bare = within(asking, GivenQuestion(), {"claude": SHORT}, 10_000)["claude"]
    limit = len(bare.prompt) + len(bare.ids)
    kept = within(asking, GivenQuestion(), {"gpt4": "very " * 200, "claude": SHORT}, limit)
    assert kept == {"claude": kept["claude"]}
    assert kept["claude"].shortened == ""


SIZES = st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=3), min_size=1, max_size=4)


@given(SIZES, st.integers(1, 25), st.integers(1, 40))
def test_with_its_room_every_response_that_can_fit_does(sizes, prompt, limit):
    """Strategies with responses of these sizes, the later steps of each with the earlier ones before them."""
    head, asked = tuple(range(prompt)), []
    for steps in sizes:
        requests = [(0, ScoringRequest(head + (0,) * sum(steps[:n]), (1,) * size, n)) for n, size in enumerate(steps)]
        asked.append([ResponseInContext("q0", (1,), (), tuple(requests), 1, head)])
    room = prompt_rooms(asked, limit).get("q0", prompt)
    kept = min(room, prompt)
    for steps in sizes:
        behind = sum(steps)
        fits = kept + behind <= limit
        could = min(2, prompt) + behind <= limit
        assert fits == could
    assert room == prompt or kept == prompt or any(kept + sum(steps) == limit for steps in sizes)


def test_a_step_that_does_not_fit_its_window_leaves_out_the_whole_response():
    long = ResponseInContext(
        "a",
        (7, 8, 9),
        (0, 0, 1),
        ((0, ScoringRequest((1, 2), (7, 8), 0)), (2, ScoringRequest((1, 2, 3, 7, 8), (9,), 1))),
        4,
    )
    short = ResponseInContext("b", (7,), (0,), ((0, ScoringRequest((1, 2), (7,), 2)),), 2)
    found = fit_responses({("gpt4", StepWise(1)): [long, short]}, 5, Scoring(overlong="skip"))["gpt4", StepWise(1)]
    assert [one.example_id for one in found.responses] == ["b"]
    assert found.facts == {"overlong": 1, "left_out": ["a"]}


def test_what_does_not_fit_is_refused_with_the_ways_on():
    long = ResponseInContext("a", (7,), (), ((0, ScoringRequest((1, 2), (7, 8, 9), 0)),), 4)
    with pytest.raises(UserError, match=r"1 of 1 .* 4 tokens; the longest is a of gpt4 in the context question with 5.*"
                       r"scorer\.overlong=skip .*scorer\.overlong=truncate_left"):  # fmt: skip
        fit_responses({("gpt4", GivenQuestion()): [long]}, 4, Scoring())


THREE = "strategy=[gpt4,claude,rewrite]"


def limit_of(made, plan, quantile: float) -> int:
    """A context in which this share of prompts with response fits, by the lengths that were scored."""
    artifact = made.open(next(name for name in (*plan.found, *plan.to_make) if "/gpt4/" in name))
    return int(made.provenance(artifact)["tokens"] / made.provenance(artifact)["responses"] * quantile)


def test_shortened_prompts_are_counted_in_the_ranking_and_depend_on_all_strategies(stage, made, monkeypatch, lab):
    stage("predict", made)
    given = ["metric=[sppl,perplexity]", "scorer.overlong=truncate_left"]
    limit = limit_of(made, stage("score", made, THREE, "metric=[sppl]"), 0.9)
    monkeypatch.setattr(frozen_target(lab.target).config, "max_position_embeddings", limit)
    plan = stage("score", made, THREE, *given)
    names = [name for name in (*plan.found, *plan.to_make) if "self_aligned" in name]
    facts = [made.provenance(made.open(name)) for name in names]
    assert len(names) == 3
    fewer = facts[0]["fewer_examples"]
    assert 0 < len(fewer) <= 6
    assert [fact["fewer_examples"] for fact in facts] == [fewer] * 3  # the same questions for all strategies
    ranked = stage("rank", made, THREE, *given)
    frame = made.read(made.open(ranking_of(ranked))).set_index(["metric", "strategy"])
    flag = f"{len(fewer)} questions shown fewer own answers, alike for all strategies: too long for the target"
    assert set(frame.loc["sppl_n2", "flag"]) == {flag}
    assert set(frame.loc["perplexity", "flag"]) == {""}
    assert set(frame["n_examples"]) == {6}
    two = stage("score", made, "strategy=[gpt4,claude]", *given)
    assert not {*two.found, *two.to_make} & {*plan.found, *plan.to_make}
    with pytest.raises(MissingArtifact, match=r"strategy=\[gpt4,rewrite\].*scorer\.overlong=truncate_left"):
        stage("rank", made, "strategy=[gpt4,rewrite]", *given)


def lengths(lab, strategy: str) -> list[int]:
    """Tokens of the questions with the strategy's responses."""
    tokenizer, questions = lab.target.tokenizer(), lab.benchmark.questions.questions("train", 6)
    texts = lab.benchmark.responses.respond(Recipe(strategy, ""), questions)
    return [
        len(prompt_ids(tokenizer, question.prompt, Template()))
        + len(response_ids(tokenizer, text, Template(), end=False))
        for question, text in zip(questions, texts, strict=True)
    ]


def test_a_strategy_that_skipping_leaves_nothing_is_named(stage, store, monkeypatch, lab):
    limit = min(lengths(lab, "gpt4")) - 1
    assert min(lengths(lab, "human_examples")) <= limit
    monkeypatch.setattr(frozen_target(lab.target).config, "max_position_embeddings", limit)
    given = ["strategy=[gpt4,human_examples]", "metric=[perplexity,scas]", "scorer.overlong=skip"]
    stage("generate", store, *given)
    nothing = r"overlong=skip leaves some strategies no response.*: gpt4: none fits \(hidden_mlp.up_proj, question\)\. "
    with pytest.raises(UserError, match=nothing):
        stage("score", store, *given)
    with pytest.raises(UserError, match=r"scorer\.budget=fixed|no response fits at all: leave them out"):
        stage("score", store, *given, "scorer.budget=race", "scorer.first=2")


def test_strategies_that_share_no_question_that_fits_are_not_compared(stage, made, monkeypatch, lab):
    own = {name: lengths(lab, name) for name in ("gpt4", "human_examples")}
    limit = min(own["gpt4"])
    only = [n for n, length in enumerate(own["gpt4"]) if length <= limit]
    longer = "x " * 200
    respond = type(lab.benchmark.responses).respond

    def lengthened(self, recipe, questions):
        texts = respond(self, recipe, questions)
        if recipe.name != "human_examples":
            return texts
        return [longer if n in only else text for n, text in enumerate(texts)]

    monkeypatch.setattr(type(lab.benchmark.responses), "respond", lengthened)
    monkeypatch.setattr(frozen_target(lab.target).config, "max_position_embeddings", limit)
    given = ["strategy=[gpt4,human_examples]", "metric=[perplexity]", "scorer.overlong=skip", "name=other"]
    fresh = Store(made.root + "-none-shared")
    stage("score", fresh, *given)
    with pytest.raises(UserError, match=r"perplexity: no question fits .* \(of 6 questions fit 1 of gpt4, \d of human"):
        stage("rank", fresh, *given)


def test_a_sweep_of_single_strategies_cannot_cut_alike_and_says_how_to():
    argv = ["run.py", "-m", "strategy=gpt4,claude", "scorer.overlong=truncate_left"]
    with pytest.raises(UserError, match=r"run\.py 'strategy=\[gpt4,claude\]' scorer\.overlong=truncate_left"):
        refuse_separate_jobs(["gpt4"], CUT, argv)
    refuse_separate_jobs(["gpt4", "claude"], CUT, argv)
    refuse_separate_jobs(["gpt4"], CUT, ["run.py", "strategy=[gpt4]"])
    refuse_separate_jobs(["gpt4"], Scoring(overlong="skip"), argv)


@pytest.mark.parametrize(
    ("overlong", "what"),
    [("skip", "left out"), ("truncate_left", "shown fewer own answers, alike for all strategies")],
)
def test_the_count_reaches_table_terminal_and_page(run_py, tmp_path, overlong, what):
    folder = tmp_path / "short"
    shutil.copytree(ROOT / "sppl" / "lab" / "checkpoint", folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 290}))
    done = run_py(
        "stage=[predict,score,rank,report]", "target_model=lab",
        f"target_model.path={folder}", "target_model.name=short", THREE,
        "benchmark.max_new_tokens=120", "n_predict=30", "n_score=12", "metric=[sppl,perplexity]",
        f"scorer.overlong={overlong}", "name=short",
    )  # fmt: skip
    assert done.code == 0, done.out
    flags = pd.read_csv(done.reports / "short" / "metrics.csv").set_index("metric")["flag"].fillna("")
    found = re.fullmatch(rf"(\d+) questions {what}: too long for the target", flags["sppl_n2"])
    assert found, flags["sppl_n2"]
    assert 0 < int(found[1]) < 12
    assert f"sppl_n2: {flags['sppl_n2']}" in " ".join(done.out.split())
    assert flags["sppl_n2"] in (done.reports / "short" / "index.html").read_text()
