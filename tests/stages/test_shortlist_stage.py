"""A shortlist: the best by a metric are trained briefly, and validation questions settle which one it is."""

import json
from dataclasses import replace

import pytest

from sppl.benchmarks.definition import Benchmark
from sppl.benchmarks.validation_questions import questions_apart
from sppl.lab.source import LabQuestions, LabTeacher
from sppl.schemas import Question, UserError
from sppl.study.own_bed import own_bed

PILOT = ["n_pilot=16", "n_validation=10"]
GIVEN = ["experiment=shortlist", "strategy=[gpt4,claude,rewrite]", "metric=[sppl,length]", *PILOT]
BEFORE = ("generate", "predict", "score")


@pytest.fixture
def scored(stage, made):
    for name in BEFORE:
        stage(name, made, *GIVEN)
    return made


def shortlisted(store, plan):
    (name,) = (name for name in plan.found if name.startswith("shortlists/"))
    artifact = store.open(name)
    return store.read(artifact), store.provenance(artifact)


def test_the_two_best_by_the_leading_metric_get_a_pilot_and_the_best_pilot_settles_it(stage, scored):
    frame, said = shortlisted(scored, stage("shortlist", scored, *GIVEN))
    assert frame["rank"].tolist() == [1.0, 2.0]
    assert said["metric"] == "sppl_n2"
    best = frame[frame["pilot"] == frame["pilot"].max()]
    assert frame.loc[frame["settled"], "strategy"].tolist() == [best["strategy"].iloc[0]]


def test_pilots_are_measured_on_validation_questions_and_never_count_as_outcomes(stage, scored):
    _, said = shortlisted(scored, stage("shortlist", scored, *GIVEN))
    results = [name for name in said["inputs"] if name.startswith("results/")]
    assert len(results) == 3  # two pilots and the untrained target
    for name in results:
        asked = scored.read(scored.open(name))["question_id"]
        assert all(one.startswith("validation-") for one in asked)
        assert scored.provenance(scored.open(name))["split"] == "validation"


def test_pilots_alone_are_no_bed_of_outcomes(stage, store):
    for name in (*BEFORE, "shortlist"):
        stage(name, store, *GIVEN)
    with pytest.raises(UserError, match="no strategy that was both ranked and benchmarked"):
        own_bed(store)


def test_a_strategy_counts_with_the_mean_over_the_seeds_of_its_pilots(stage, scored):
    frame, said = shortlisted(scored, stage("shortlist", scored, *GIVEN, "policy.seeds=[0,1]"))
    facts = [scored.provenance(scored.open(name)) for name in said["inputs"] if name.startswith("results/lab/lab/gpt4")]
    assert sorted(fact["seed"] for fact in facts) == [0, 1]
    (mean,) = frame.loc[frame["strategy"] == "gpt4", "pilot"]
    assert mean == pytest.approx(sum(fact["accuracy"] for fact in facts) / 2)


def test_what_pilots_take_is_said_before_they_begin(stage, scored, caplog):
    caplog.set_level("INFO", logger="sppl")
    stage("shortlist", scored, *GIVEN, "n_pilot=17")
    lines = [record.getMessage() for record in caplog.records]
    told = next(at for at, line in enumerate(lines) if "tokens trained on" in line)
    assert told < next(at for at, line in enumerate(lines) if line.startswith("adapters/"))
    assert "2 pilots" in lines[told]
    assert "30 answers" in lines[told]  # of two pilots and the untrained target, 10 questions each


def test_a_dry_run_trains_nothing_and_says_the_cost_once_the_scores_are_there(stage, scored, store):
    unknown = stage("shortlist", store, *GIVEN, dry=True)
    assert unknown.to_make == ("2 pilots of the 2 best by sppl_n2, once all are scored",)
    stage("rank", scored, *GIVEN)
    known = stage("shortlist", replace(scored, read_only=True), *GIVEN, dry=True)
    assert "tokens trained on" in known.to_make[0]


def test_run_trains_and_tests_the_pick_and_no_other(stage, scored):
    plan = stage("shortlist", scored, *GIVEN, "stage.shortlist.then=run", "n_train=20")
    frame, _ = shortlisted(scored, plan)
    pick = frame.loc[frame["settled"], "strategy"].iloc[0]
    full = {name.split("/")[3] for name in plan.found if name.startswith("results/")}
    assert full == {pick, "untrained"}


def test_the_settled_pick_and_the_full_recipe_end_the_command(run_py):
    quick = ["n_train=24", "n_test=8", "n_score=6", "n_predict=12", "training.epochs=1"]
    done = run_py("experiment=shortlist", "metric=[sppl,length]", "n_pilot=16", "n_validation=10", *quick, "logger=[]")
    assert done.code == 0, done.out
    report = done.reports / "shortlist"
    assert json.loads((report / "made_of.json").read_text())["results"] == []
    assert "the 2 best of 3 by sppl_n2" in " ".join(done.out.split())
    assert "'stage=[generate,finetune,benchmark,report]'" in done.out
    assert "the 2 best of 3 by sppl_n2" in (report / "index.html").read_text()
    assert (report / "shortlist.csv").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("policy.k=4", "policy.k=4 strategies cannot be shortlisted of 3"),
        ("strategy=[gpt4]", "policy.k=2 strategies cannot be shortlisted of 1"),
        ("n_validation=300", "has 200 validation questions, n_validation=300 were asked for"),
        ("metric=[length]", "a shortlist needs a metric with a direction"),
        ("stage.shortlist.then=maybe", "there are print .* and run"),
    ],
)
def test_what_cannot_be_settled_is_refused_before_any_work(stage, store, words, said):
    with pytest.raises(UserError, match=said):
        stage("shortlist", store, *GIVEN, words, dry=True)
    assert not any(store.artifacts("adapters", "*", "*", "*"))


class Fixed:
    """Questions given by hand."""

    def __init__(self, **splits: list[Question]):
        self.splits = splits

    def questions(self, split, n=None):
        return self.splits.get(split, [])[:n]


def benchmark(**splits: list[Question]) -> Benchmark:
    return Benchmark("mine", Fixed(**splits), LabTeacher(), task="", max_new_tokens=10)


ONE, TWO = Question("a", "1 + 1?", "2"), Question("b", "1 + 2?", "3")


@pytest.mark.parametrize("other", ["test", "train"])
@pytest.mark.parametrize("change", [{}, {"id": "c"}, {"prompt": "else"}, {"id": "c", "prompt": " 1 +  1? "}])
def test_a_validation_question_that_another_split_has_is_refused_by_name(other, change):
    splits = {"validation": [ONE, TWO], "test": [], "train": [], other: [replace(ONE, **change)]}
    with pytest.raises(UserError, match=rf"1 are {other}\w* questions too \(a\).*benchmark.without=\[a\]"):
        questions_apart(benchmark(**splits), "all")


def test_without_validation_questions_there_is_no_settling():
    with pytest.raises(UserError, match=r"mine has no validation questions.*validation\.jsonl") as refused:
        questions_apart(benchmark(test=[ONE]), 5, ("python run.py", "n_train=6"))
    assert str(refused.value).endswith("python run.py 'stage=[generate,finetune,benchmark,report]' n_train=6")


def test_the_splits_of_the_lab_are_apart():
    lab = Benchmark("lab", LabQuestions(), LabTeacher(), task="lab", max_new_tokens=10)
    assert len(questions_apart(lab, "all")) == 200
