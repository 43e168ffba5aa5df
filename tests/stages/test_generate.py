from dataclasses import replace

import pytest

from sppl.artifacts.store import Store
from sppl.benchmarks.definition import Benchmark
from sppl.lab.source import LabQuestions, LabTeacher
from sppl.schemas import Question, UserError
from sppl.stages.generate import generate
from sppl.strategies.mixture import draw_strategy
from sppl.strategies.recipe import Recipe
from sppl.study.responses import Responses
from sppl.teachers.api import OpenAITeacher
from sppl.teachers.teacher_responses import TeacherResponses
from tests.servers.running import faulty

RECIPE = Recipe("direct", "asked directly", teacher="t", request="{question}\n\n{known}", tries=2)
LINE = "Final Answer: {answer}"
pytestmark = pytest.mark.filterwarnings("default")


class Asked:
    """Two questions; the fault server answers 1 to everything."""

    def questions(self, split, n=None):
        return [Question("right", "one?", "1", "1 = 1"), Question("wrong", "two?", "2", "1 + 1 = 2")][:n]


def benchmark(url, tmp_path, price=0.0):
    options = {"model": "m", "api_key_env": None, "backoff": 0.01, "input_price": price, "output_price": price}
    teacher = OpenAITeacher(name="t", base_url=f"{url}/v1", **options)
    return Benchmark("tiny", Asked(), TeacherResponses({"t": teacher}, str(tmp_path / "journal")), "gsm8k", 10, LINE)


def run(one, tmp_path, recipe=RECIPE, **settings):
    store = Store(str(tmp_path / "store"))
    options = {"n_score": 2, "n_train": 2, **settings}
    plan = generate(benchmark=one, strategy={recipe.name: recipe}, store=store, **options)
    asked = one.questions.questions("train")
    made = Responses(store, one, recipe, asked)
    return plan, store, made.known().assign(correct=made.right().values())


def test_a_wrong_answer_is_asked_for_again_and_where_none_is_right_the_first_stays_flagged(tmp_path):
    log = tmp_path / "log"
    with faulty(log) as url:
        _, store, found = run(benchmark(url, tmp_path), tmp_path)
    assert found["correct"].tolist() == [True, False]
    assert found["response"].tolist() == ["one?\nFinal Answer: 1", "two?\nFinal Answer: 1"]
    lines = log.read_text().splitlines()
    assert [lines.count("asked one?"), lines.count("asked two?")] == [1, 2]
    artifact = next((tmp_path / "store/responses/tiny").glob("direct-*/*.json"))
    usage = store.provenance(store.open(str(artifact.relative_to(tmp_path / "store"))[: -len(".json")]))["usage"]
    tokens = {"input_tokens": 30, "output_tokens": 15}
    assert usage == {"teacher": "t", "requests": 3, **tokens, "cost": 0.0, "failed_tries": {}}


@pytest.mark.parametrize(
    ("price", "way_on", "said"),
    [
        (1e6, {"max_cost": 4400.0}, r"about \$677\.00 .*the same command with max_cost=4400\. .*confirm=true"),
        (None, {"confirm": True}, r"an unknown sum .*max_cost cannot limit .*the same command with confirm=true"),
    ],
)
def test_above_the_limit_or_at_an_unknown_price_nothing_is_asked_before_the_user_says_so(price, way_on, said, tmp_path):
    log = tmp_path / "log"
    with faulty(log) as url:
        one = benchmark(url, tmp_path, price)
        with pytest.raises(UserError, match=rf"generate would cost {said}"):
            run(one, tmp_path, max_cost=5.0)
        plan, _, _ = run(one, tmp_path, max_cost=5.0, dry=True)
        assert "2 requests to t" in plan.to_make[0]
        assert not log.exists()
        assert run(one, tmp_path, **{"max_cost": 5.0, **way_on})[2]["correct"].tolist() == [True, False]


def test_a_second_run_asks_nobody_and_needs_no_confirmation(tmp_path):
    log = tmp_path / "log"
    with faulty(log) as url:
        one = benchmark(url, tmp_path, 1e6)
        run(one, tmp_path, max_cost=1e5)
        before = log.read_text()
        plan, _, _ = run(one, tmp_path)
    assert plan.found == ("direct",)
    assert log.read_text() == before


@pytest.mark.parametrize(("given", "text"), [("solution", "1 + 1 = 2"), ("label", "Final Answer: 2")])
def test_the_solution_and_the_gold_label_are_strategies_that_ask_nobody(given, text, tmp_path):
    one = benchmark("http://127.0.0.1:9", tmp_path, None)
    _, _, found = run(one, tmp_path, Recipe(given, "", given=given))
    assert found["response"].tolist()[1] == text
    assert found["correct"].tolist() == [True, True]


def test_a_mixture_takes_each_response_from_the_strategy_its_question_draws(tmp_path):
    one = Benchmark("lab", LabQuestions(), LabTeacher(), "lab", 10)
    parts = {name: Recipe(name, "") for name in ("gpt4", "claude")}
    store, questions = Store(str(tmp_path)), LabQuestions().questions("train", 40)
    mixed = [text for _, text in Responses(store, one, Recipe("mixture", "", of=parts), questions).pairs()]
    whole = {name: [text for _, text in Responses(store, one, part, questions).pairs()] for name, part in parts.items()}
    names = [draw_strategy(question.id, ["claude", "gpt4"]) for question in questions]
    assert mixed == [whole[name][at] for at, name in enumerate(names)]
    assert 10 <= names.count("gpt4") <= 30


def test_a_derived_strategy_asks_for_what_it_is_made_of_once_and_says_so_before(tmp_path):
    parts = {name: replace(RECIPE, name=name, request=name + "\n{question}{known}", tries=1) for name in ("p", "q")}
    mixture, log = Recipe("mixture", "", of=parts), tmp_path / "log"
    with faulty(log) as url:
        one = benchmark(url, tmp_path, 1e6)
        with pytest.raises(UserError, match=r"[pq] for mixture: \d requests to t"):
            run(one, tmp_path, mixture)
        plan, _, found = run(one, tmp_path, mixture, max_cost=1e5)
        assert plan.to_make[0] == "mixture (2 responses)"
        asked = [line.removeprefix("asked ") for line in log.read_text().splitlines() if line.startswith("asked")]
        assert sorted(asked) == sorted(draw_strategy(id_, ["p", "q"]) for id_ in found["question_id"])
        run(one, tmp_path, mixture)
        assert log.read_text().count("asked") == 2
        store = Store(str(tmp_path / "store"))
        options = {"n_score": 2, "n_train": 2, "max_cost": 1e5}
        generate(benchmark=one, strategy={"mixture": mixture, **parts}, store=store, **options)
    assert log.read_text().count("asked") == 4


def test_paid_responses_are_never_made_by_another_stage(tmp_path):
    one = benchmark("http://127.0.0.1:9", tmp_path)
    with pytest.raises(UserError, match=r"call sppl\.stages\.generate\.generate"):
        Responses(Store(str(tmp_path)), one, RECIPE, one.questions.questions("train")).pairs()


def test_a_question_that_nobody_will_answer_can_be_left_out_for_all_strategies(tmp_path):
    with faulty(tmp_path / "log", "filter,filter") as url:
        one = benchmark(url, tmp_path)
        with pytest.raises(UserError, match=r"right: .*filter withheld.*benchmark\.without=\[ID\]"):
            run(one, tmp_path)
    left = replace(one, without=("wrong",), responses=Given())
    _, _, found = run(left, tmp_path, n_train="all", n_score=1)
    assert found["question_id"].tolist() == ["right"]
    with pytest.raises(UserError, match="tiny has 1 train questions, 2 were asked for"):
        run(left, tmp_path)


class Given:
    label, paid, by_id = "files", False, True

    def identity(self, strategy):
        return "given"

    def respond(self, strategy, questions):
        return ["1" for _ in questions]


def test_the_lab_can_be_answered_by_teachers_as_well(tmp_path):
    with faulty(tmp_path / "log") as url:
        source = benchmark(url, tmp_path).responses
        one = Benchmark("lab", LabQuestions(), source, "lab", 10)
        _, _, found = run(one, tmp_path, Recipe("direct", "", teacher="t", request="{question}{known}", tries=1))
    assert len(found) == 2
