"""The pool of own answers: how they are drawn, how they end, and what stands in where none is correct."""

import re
from dataclasses import replace

import pandas as pd
import pytest

from sppl.benchmarks.splits import take
from sppl.generation.local import LocalGenerator
from sppl.prompts import FixedExamples, GivenQuestion, SelfAligned, SelfAlignedPrompt
from sppl.schemas import Question
from sppl.scoring.pool import Pool
from sppl.study.predictions import Predictions
from sppl.study.study import Study

pytestmark = pytest.mark.filterwarnings("default")
WARM = "benchmark.sampling={temperature: 1.5, top_p: 0.9, top_k: 20, seed: 3}"
WORDING = {"text": "{question} {examples}", "example": "{answer}"}


def predicted(stage, store, *overrides):
    """The target's answers by question id."""
    plan = stage("predict", store, *overrides)
    (name,) = [*plan.found, *plan.to_make]
    return store.read(store.open(name)).set_index("question_id")["prediction"]


def test_own_answers_are_greedy_or_sampled_and_a_question_gets_the_same_answer_whatever_else_is_asked(stage, store):
    greedy = predicted(stage, store, "n_predict=6")
    warm = predicted(stage, store, "n_predict=6", WARM)
    fewer = predicted(stage, store, "n_predict=3", WARM)
    other = predicted(stage, store, "n_predict=6", WARM.replace("seed: 3", "seed: 4"))
    assert fewer.to_dict() == warm[:3].to_dict()
    assert all((one != two).any() for one, two in [(greedy, warm), (warm, other)])


@pytest.mark.parametrize("said", ["temperature: -1", "top_p: 2", "top_p: 0.9", "top_k: -1", "beams: 3"])
def test_a_sampling_that_makes_no_sense_is_refused(said, stage, store):
    with pytest.raises(Exception, match=said.split(":")[0]):
        stage("predict", store, "benchmark.sampling={" + said + "}")


def pool_of(store, lab, right, monkeypatch, **prompt):
    """The pool after the target answered two questions, rightly or not."""
    monkeypatch.setattr("sppl.study.verdicts.judge", lambda task, questions, texts: [float(one) for one in right])
    predictions = Predictions(Study(store, lab.benchmark, lab.target, LocalGenerator()), 2)
    ids = [question.id for question in predictions.questions]
    store.write(predictions.id, pd.DataFrame({"question_id": ids, "prediction": ["x", "y"]}), {}, 0.0)
    return predictions.pool(SelfAlignedPrompt(**WORDING, **prompt))


def test_a_correct_answer_ends_with_the_gold_line_or_as_it_was_given(store, lab, monkeypatch):
    lab.benchmark = replace(lab.benchmark, final_line="Final Answer: {answer}")
    gold = take(lab.benchmark, "train", 2)[1].answer
    pool = pool_of(store, lab, [False, True], monkeypatch)
    assert (pool.texts, pool.note) == ((f"y\n\nFinal Answer: {gold}",), "")
    assert pool_of(store, lab, [False, True], monkeypatch, final_line=False).texts == ("y",)


def test_with_and_without_the_gold_line_are_two_artifacts(stage, store):
    made = "benchmark.final_line='Final Answer: {answer}'"
    stage("predict", store, made)
    stage("generate", store, "strategy=[gpt4]")
    names = [
        set(stage("score", store, "strategy=[gpt4]", "metric=[sppl]", made, *more, dry=True).to_make)
        for more in ([], ["prompt.final_line=false"])
    ]
    assert names[0] != names[1]


@pytest.mark.parametrize(
    ("fallback", "texts", "said"),
    [("perplexity", (), "scored without examples"), ("unfiltered", ("x", "y"), "unfiltered ones were shown")],
)
def test_without_a_correct_answer_the_fallback_stands_in_and_says_so(fallback, texts, said, store, lab, monkeypatch):
    pool = pool_of(store, lab, [False, False], monkeypatch, fallback=fallback)
    assert pool.texts == texts
    assert pool.note == f"none of the target's 2 own answers is correct: {said}"


@pytest.mark.parametrize(
    ("fallback", "said"), [("perplexity", "scored without examples"), ("unfiltered", "unfiltered ones were shown")]
)
def test_the_flag_of_an_empty_pool_reaches_table_terminal_and_page(fallback, said, run_py):
    settings = ["n_score=6", "n_train=6", "n_predict=12", "benchmark.max_new_tokens=1", f"prompt.fallback={fallback}"]
    stages = "stage=[generate,predict,score,rank,report]"
    done = run_py(stages, *settings, "strategy=[gpt4,claude]", "metric=[sppl,perplexity]", "name=pool")
    assert done.code == 0, done.out
    flag = f"none of the target's 12 own answers is correct: {said}"
    table = pd.read_csv(done.reports / "pool" / "metrics.csv").set_index("metric")
    assert table["flag"].fillna("").to_dict() == {"sppl_n2": flag, "perplexity": ""}
    assert f"{flag[:1].upper()}{flag[1:]}." in " ".join(done.out.split())
    assert said in (done.reports / "pool" / "index.html").read_text()
    values = pd.read_csv(done.reports / "pool" / "table.csv")
    same = (values["sppl_n2"] - values["perplexity"]).abs().max() < 1e-4
    assert same == (fallback == "perplexity")


def small_pool(n_right: int) -> Pool:
    ids = ("q0", "q1", "q2")[:n_right]
    return Pool(ids, tuple(f"answer to {one}" for one in ids), "")


QUESTIONS = [Question(f"q{number}", "?", "7", {}) for number in range(4)]


@pytest.mark.parametrize(
    ("right", "rotation", "context", "said"),
    [
        (1, "skip_own", SelfAligned(2), "1 own answer, too few .* 2: of 4 questions 3 were shown 1, 1 were shown none"),
        (2, "skip_own", SelfAligned(2), "2 own answers, too few .* 2: of 4 questions 2 were shown 1"),
        (3, "skip_own", SelfAligned(2), ""),
        (2, "paper", SelfAligned(2), "2 own answers, too few .* 2: of 4 questions 4 were shown 1"),
        (1, "paper", SelfAligned(1), "1 own answer, too few .* 1: of 4 questions 4 were shown none"),
        (1, "skip_own", FixedExamples(2), "1 own answer, too few .* 2: of 4 questions 4 were shown 1"),
        (2, "skip_own", FixedExamples(2), ""),
        (1, "skip_own", GivenQuestion(), ""),
        (0, "skip_own", SelfAligned(2), ""),  # an empty pool has a note of its own
    ],
)
def test_questions_that_are_shown_fewer_own_answers_than_asked_for_are_counted(right, rotation, context, said):
    prompt = SelfAlignedPrompt(**WORDING, rotation=rotation)
    found = small_pool(right).shortage(prompt, QUESTIONS, context)
    assert re.search(said, found)
    assert bool(found) == bool(said)


def test_the_flag_of_a_pool_smaller_than_asked_for_reaches_table_terminal_and_page(run_py):
    given = ["strategy=[gpt4,claude]", "metric=[sppl,in_context_gain,perplexity]", "metric.sppl.n_examples=40"]
    done = run_py("stage=[predict,score,rank,report]", "n_score=6", "n_predict=12", *given, "name=small")
    assert done.code == 0, done.out
    flags = pd.read_csv(done.reports / "small" / "metrics.csv").set_index("metric")["flag"].fillna("").to_dict()
    flag = flags.pop("sppl_n40")
    assert re.fullmatch(r"the pool has \d+ own answers, too few to show every question 40: of 6 questions .*", flag)
    assert set(flags.values()) == {""}
    out = " ".join(done.out.split())
    assert f"{flag[:1].upper()}{flag[1:]}." in out  # beside the pick
    assert flag in out  # while scoring
    assert flag in (done.reports / "small" / "index.html").read_text()
