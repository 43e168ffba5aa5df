"""Gold answers that nothing can meet are refused, or named, before any work."""

from dataclasses import dataclass

import pytest

from sppl.benchmarks import gold_check
from sppl.benchmarks.answers import sandbox
from sppl.benchmarks.definition import TASKS, Benchmark
from sppl.benchmarks.splits import take
from sppl.lab.source import LabQuestions, LabTeacher
from sppl.schemas import Question, UserError
from tests.unit.benchmarks.test_tasks import ANSWERS, PROMPT

pytestmark = pytest.mark.filterwarnings("default")


@dataclass(frozen=True)
class Given:
    """Questions as a test gives them."""

    of: tuple[Question, ...]

    def questions(self, split: str, n: int | None = None) -> list[Question]:
        return list(self.of[:n])


def asked(*answers: str, prompt: str = "q", **fields: object) -> tuple[Question, ...]:
    return tuple(Question(f"q{at}", prompt, answer, fields=fields) for at, answer in enumerate(answers))


def benchmark(task: str, questions: tuple[Question, ...], **settings: object) -> Benchmark:
    settings = {"final_line": "Final Answer: {answer}", "max_new_tokens": 1, **settings}
    return Benchmark("mine", Given(questions), LabTeacher(), task, **settings)


@pytest.fixture(autouse=True)
def nothing_checked_yet(monkeypatch):
    monkeypatch.setattr(gold_check, "_checked", set())


def question_of(task: str, answer: str) -> tuple[Question, ...]:
    fields = {"test_list": ["assert f() == 1"], "test_setup_code": ""}
    return asked(answer, prompt=PROMPT, **fields)


@pytest.mark.parametrize("task", ANSWERS)
def test_a_gold_answer_of_every_task_is_met_by_itself(task):
    line = "" if task in {"lab", "mbpp"} else "Final Answer: {answer}"
    answer = ANSWERS[task][0].removeprefix("#### ")
    assert gold_check.find_unmet(benchmark(task, (), final_line=line), question_of(task, answer)) == []


UNMET = {
    ("lab", "gsm8k", "math_algebra", "local_number"): ("seventy-two", "72 or 73", "72 clips", "1,23"),
    ("mmlu", "arc_challenge", "agieval"): ("2", "E", "B or C", "(B)"),
    ("mmlu_pro",): ("1", "K", "the second"),
    ("winogrande", "piqa"): ("0", "3", "B"),
    ("hellaswag", "ecqa"): ("0", "6", "B"),
    ("boolq",): ("1", "0", "maybe"),
    ("esnli",): ("0", "1", "2", "-"),
    ("squad",): (" ",),
    ("mbpp",): ("def f():\n    return 2", "def g():\n    return 1", ""),
    ("api_bank",): ("Weather", "none"),
    ("plan_bench_generation",): ("(stack red blue)", "see above"),
    ("plan_bench_execution",): ("as before",),
    ("plan_bench_verification",): ("yes",),
}


@pytest.mark.parametrize(
    ("task", "answer"), [(task, answer) for tasks, answers in UNMET.items() for task in tasks for answer in answers]
)
def test_a_gold_answer_that_nothing_can_meet_is_found(task, answer):
    line = "" if task in {"lab", "mbpp"} else "Final Answer: {answer}"
    questions = question_of(task, answer)
    assert gold_check.find_unmet(benchmark(task, (), final_line=line), questions) == list(questions)


def test_above_one_in_a_hundred_a_split_is_refused_with_the_first_ones_the_rule_and_the_way_on():
    questions = asked(*["B"] * 97, "2", "E", "3")
    with pytest.raises(UserError) as refused:
        take(benchmark("arc_challenge", questions), "train", 5)
    said = str(refused.value)
    assert "3 of 100 train questions" in said
    assert "Right if the option from A to D is the gold one" in said
    assert "q97 ('Final Answer: 2'), q98 ('Final Answer: E'), q99 ('Final Answer: 3')" in said
    assert "'benchmark.without=[q97,q98,q99]'" in said


def test_one_in_a_hundred_is_named_in_a_warning_and_stays(caplog):
    questions = asked(*["B"] * 99, "2")
    assert len(take(benchmark("arc_challenge", questions), "train", "all")) == 100
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "'benchmark.without=[q99]'" in caplog.text


def test_questions_left_out_are_not_checked(caplog):
    questions = asked(*["B"] * 9, "2")
    assert len(take(benchmark("arc_challenge", questions, without=("q9",)), "train", "all")) == 9
    assert caplog.text == ""


def test_all_questions_of_a_split_are_checked_whatever_is_taken():
    with pytest.raises(UserError, match="1 of 10 train questions"):
        take(benchmark("gsm8k", asked(*["72"] * 9, "many")), "train", 1)


def test_a_split_is_checked_once_and_again_when_it_changed(monkeypatch):
    seen = []
    real = gold_check.find_unmet
    monkeypatch.setattr(
        gold_check, "find_unmet", lambda benchmark, questions: seen.append(1) or real(benchmark, questions)
    )
    one = benchmark("gsm8k", asked("72", "73"))
    take(one, "train", 1)
    take(one, "train", 1)
    assert len(seen) == 1
    take(benchmark("gsm8k", asked("74", "73")), "train", 1)
    take(one, "test", 1)
    assert len(seen) == 3


def test_a_final_line_that_the_rule_cannot_read_is_refused():
    with pytest.raises(UserError, match=r"benchmark\.final_line"):
        take(benchmark("gsm8k", asked("72"), final_line="Final Answer: {answer} or 1"), "train", 1)


def test_the_labs_own_questions_are_met():
    lab = Benchmark("lab", LabQuestions(), LabTeacher(), "lab", 200)
    assert gold_check.find_unmet(lab, lab.questions.questions("test")) == []


def test_a_task_of_the_users_own_is_checked_by_lm_eval(root, tmp_path):
    own = tmp_path / "mine.yaml"
    own.write_text(f"include: {TASKS / 'gsm8k.yaml'}\ntask: mine\n")
    assert gold_check.rule_of(own) is gold_check.rule_of(TASKS / "gsm8k.yaml")
    spec = (TASKS / "_written_answer").read_text() + "task: exact\ngeneration_kwargs: {do_sample: false, until: []}\n"
    spec += "process_results: !function judge.exact\n"
    (tmp_path / "judge.py").write_text(
        "def exact(row, texts):\n    return {'accuracy': float(texts[0] == 'So: ' + row['answer'].strip())}\n"
    )
    (tmp_path / "exact.yaml").write_text(spec)
    exact = benchmark(str(tmp_path / "exact.yaml"), (), final_line="So: {answer}")
    assert [one.id for one in gold_check.find_unmet(exact, asked("72", "72 "))] == ["q1"]


def test_many_programs_are_judged_in_few_processes(monkeypatch):
    runs = []
    real = sandbox.passes
    monkeypatch.setattr(sandbox, "passes", lambda *arguments: runs.append(1) or real(*arguments))
    right, wrong = "def f():\n    return 1", "def f():\n    return 2"
    questions = asked(*[right] * 31, wrong, test_list=["assert f() == 1"])
    assert gold_check.find_unmet(benchmark("mbpp", (), final_line=""), questions) == [questions[-1]]
    assert len(runs) == 11  # 32, and the two halves of 32, 16, 8, 4 and 2


def test_without_a_sandbox_programs_are_not_checked_and_it_is_said(monkeypatch, caplog):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    sandbox.cage.cache_clear()
    try:
        assert (
            gold_check.find_unmet(benchmark("mbpp", (), final_line=""), asked("def f(): return 2", test_list=["0"]))
            == []
        )
        assert "the gold programs were not checked" in caplog.text
    finally:
        sandbox.cage.cache_clear()
