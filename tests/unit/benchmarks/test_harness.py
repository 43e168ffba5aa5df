import pytest

from sppl.benchmarks.benchmark import TASKS, Benchmark
from sppl.benchmarks.harness import evaluate, judge
from sppl.data.tokens import prompt_ids
from sppl.lab.source import LabQuestions, LabTeacher
from sppl.models.target import TargetModel
from sppl.prompts import Template
from sppl.schemas import Question, UserError

pytestmark = pytest.mark.filterwarnings("default")
LAB = TASKS / "lab.yaml"


@pytest.fixture
def target(root, monkeypatch):
    monkeypatch.chdir(root)
    return TargetModel("lab", "sppl/lab/checkpoint")


def test_given_texts_are_judged_by_the_task(root):
    questions = [Question("b", "1 + 1?", "2"), Question("a", "2 + 2?", "4"), Question("c", "3 + 3?", "6")]
    assert judge(LAB, questions, ["so\n#### 2", "so\n#### 5", ""]) == [1.0, 0.0, 0.0]
    assert judge(LAB, [], []) == []


def test_evaluation_keeps_every_answer_in_question_order_and_judges_it_by_the_same_rule(target):
    questions = LabQuestions().questions("test", 5)
    frame = evaluate(target.load(), target.tokenizer(), LAB, questions, max_new_tokens=120, batch_size=2)
    assert frame["question_id"].tolist() == [question.id for question in questions]
    assert frame["correct"].tolist() == judge(LAB, questions, frame["answer"].tolist())


def test_evaluation_shows_the_model_exactly_the_prompt_that_training_and_scoring_use(target, monkeypatch):
    model, tokenizer = target.load(), target.tokenizer()
    seen = []
    generate = model.generate

    def spy(*given, **named):
        ids = named.get("input_ids", given[0] if given else None)
        seen.extend(ids.tolist())
        return generate(*given, **named)

    monkeypatch.setattr(model, "generate", spy)
    (question,) = LabQuestions().questions("test", 1)
    evaluate(model, tokenizer, LAB, [question], max_new_tokens=3, batch_size=1)
    assert [tuple(row) for row in seen] == [prompt_ids(tokenizer, question.prompt, Template())]


def test_an_unknown_task_lists_those_there_are():
    with pytest.raises(UserError, match=r"no such task. There are .*lab"):
        _ = Benchmark("mine", LabQuestions(), LabTeacher(), task="nope", max_new_tokens=1).task_file


def test_the_final_line_closes_an_answer_with_the_gold_label():
    benchmark = Benchmark("mine", LabQuestions(), LabTeacher(), "lab", 1, final_line="Final Answer: {answer}")
    assert benchmark.closing("{x}") == "\n\nFinal Answer: {x}"
    assert Benchmark("mine", LabQuestions(), LabTeacher(), "lab", 1).closing("7") == ""
