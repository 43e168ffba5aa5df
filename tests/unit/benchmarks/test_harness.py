import pytest

from sppl.benchmarks.definition import TASKS, Benchmark
from sppl.benchmarks.harness import judge
from sppl.lab.source import LabQuestions, LabTeacher
from sppl.schemas import Question, UserError

pytestmark = pytest.mark.filterwarnings("default")
LAB = TASKS / "lab.yaml"


def test_given_texts_are_judged_by_the_task(root):
    questions = [Question("b", "1 + 1?", "2"), Question("a", "2 + 2?", "4"), Question("c", "3 + 3?", "6")]
    assert judge(LAB, questions, ["so\n#### 2", "so\n#### 5", ""]) == [1.0, 0.0, 0.0]
    assert judge(LAB, [], []) == []


def test_an_unknown_task_lists_those_there_are():
    with pytest.raises(UserError, match=r"no such task. There are .*lab"):
        _ = Benchmark("mine", LabQuestions(), LabTeacher(), task="nope", max_new_tokens=1).task_file


def test_the_final_line_closes_an_answer_with_the_gold_label():
    benchmark = Benchmark("mine", LabQuestions(), LabTeacher(), "lab", 1, final_line="Final Answer: {answer}")
    assert benchmark.closing("{x}") == "\n\nFinal Answer: {x}"
    assert Benchmark("mine", LabQuestions(), LabTeacher(), "lab", 1).closing("7") == ""
