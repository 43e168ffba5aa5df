"""Rules of the dialects: every equation true, every answer right, words vary and nothing else does."""

import random
import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.lab.dialects import DIALECTS, claude, code, human, own, self_check
from sppl.lab.source import DIALECT_OF, LabQuestions, LabTeacher
from sppl.lab.world import Change, Problem, sample_problem
from sppl.schemas import UserError


@dataclass(frozen=True)
class Named:
    """A strategy as the lab sees it: a name."""

    name: str


PLUMS = Problem("Ann", "plums", "", 1, 15, (Change("sells", -8), Change("finds", 5)))
EQUATION = re.compile(r"(\d+(?: [-+*] \d+)+) = (\d+)")


def evaluate(expression: str) -> int:
    """The value of `a op b op c` with products first, by hand rather than by eval."""
    total, sign = 0, 1
    for term in re.split(r" ([-+]) ", expression):
        if term in "+-":
            sign = 1 if term == "+" else -1
        else:
            value = 1
            for factor in term.split(" * "):
                value *= int(factor)
            total += sign * value
    return total


@pytest.mark.parametrize("name", DIALECTS)
@given(seed=st.integers(0, 2**32), operations=st.integers(1, 4))
def test_every_equation_is_true_and_the_last_line_is_the_answer(name: str, seed: int, operations: int):
    rng = random.Random(seed)
    problem = sample_problem(rng, operations)
    text = DIALECTS[name](problem, rng)
    for left, right in EQUATION.findall(text):
        assert evaluate(left) == int(right), text
    assert text.split("\n")[-1] == f"#### {problem.total}"


@pytest.mark.parametrize("name", sorted(set(DIALECTS) - {"answer_only", "code", "human", "claude"}))
@given(seed=st.integers(0, 2**32))
def test_a_worked_dialect_shows_one_equation_per_operation(name: str, seed: int):
    problem = sample_problem(random.Random(seed), 3)
    equations = [f"{left} = {right}" for left, right in EQUATION.findall(DIALECTS[name](problem, random.Random(seed)))]
    assert equations[:3] == [step.equation for step in problem.steps()]


@given(seed=st.integers(0, 2**32), operations=st.integers(1, 4))
def test_the_program_of_code_runs_and_its_comments_are_its_states(seed: int, operations: int):
    problem = sample_problem(random.Random(seed), operations)
    program = code(problem, random.Random(seed)).rsplit("\n", 1)[0]
    state: dict[str, int] = {}
    for line in program.split("\n"):
        exec(line, {"__builtins__": {}}, state)
        if "#" in line:
            assert list(state.values()) == [int(line.split("# ")[1])]
    assert list(state.values()) == [problem.total]


@given(seed=st.integers(0, 2**32), operations=st.integers(1, 4))
def test_self_check_walks_back_to_the_start(seed: int, operations: int):
    problem = sample_problem(random.Random(seed), operations)
    back = self_check(problem, random.Random(seed)).split("\n")[-2].split(": ")[1]
    assert int(re.findall(r"\d+", back)[-1]) == problem.start


def test_own_tells_each_change_in_a_sentence():
    assert own(PLUMS, random.Random(1)).startswith("At ")
    assert "After selling 8, 15 - 8 = 7" in own(PLUMS, random.Random(1))


def test_claude_sums_gains_and_losses_before_it_combines_them():
    problem = Problem("Ann", "plums", "", 1, 15, (Change("sells", -8), Change("finds", 5), Change("loses", -4)))
    equations = [f"{left} = {right}" for left, right in EQUATION.findall(claude(problem, random.Random(0)))]
    assert equations == ["8 + 4 = 12", "15 + 5 = 20", "20 - 12 = 8"]


def test_human_writes_one_expression():
    assert "15 - 8 + 5 = 12\n#### 12" in human(PLUMS, random.Random(0))


@pytest.mark.parametrize("name", sorted(set(DIALECTS) - {"answer_only"}))
def test_a_dialect_words_the_same_problem_in_several_ways(name: str):
    assert len({DIALECTS[name](PLUMS, random.Random(seed)) for seed in range(20)}) > 1


@pytest.mark.parametrize("strategy", LabTeacher.strategies)
def test_a_teacher_answers_every_question_rightly(strategy: str):
    questions = LabQuestions().questions("train", 100)
    answers = LabTeacher().respond(Named(strategy), questions)
    assert [answer.split("#### ")[1] for answer in answers] == [question.answer for question in questions]


def test_an_answer_depends_on_strategy_and_question_id_only():
    questions = LabQuestions().questions("train", 20)
    gpt4 = Named("gpt4")
    assert LabTeacher().respond(gpt4, questions[10:]) == LabTeacher().respond(gpt4, questions)[10:]


def test_strategies_differ_in_what_they_write():
    questions = LabQuestions().questions("train", 5)
    texts = {tuple(LabTeacher().respond(Named(name), questions)) for name in LabTeacher.strategies}
    assert len(texts) == len(LabTeacher.strategies) == len(set(DIALECT_OF.values())) == 9


def test_an_unknown_strategy_is_an_error_that_lists_those_there_are():
    with pytest.raises(UserError, match=r"'llama'.*gpt4, claude, mini_gpt4.*self_check"):
        LabTeacher().respond(Named("llama"), [])


def test_responses_are_labelled_as_simulated():
    assert LabTeacher().label == "simulated"
