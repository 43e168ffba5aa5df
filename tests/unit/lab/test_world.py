"""Rules of the lab's world: answers are right, splits share no question and no arithmetic, everything is repeatable."""

import json
import random
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.lab.source import SPLIT_SIZES, LabQuestions
from sppl.lab.world import (
    LARGEST_TOTAL,
    SMALLEST_TOTAL,
    Change,
    Problem,
    bucket,
    problems,
    question_text,
    sample_problem,
)
from sppl.schemas import Question

TWO_BAGS = Problem("Ann", "plums", "bags", 2, 5, (Change("finds", 4), Change("sells", -6)))


def numbers(problem: Problem) -> tuple[int, ...]:
    return (problem.groups, problem.size, *(change.amount for change in problem.changes))


def test_a_problem_counts_its_bags_as_one_operation():
    assert TWO_BAGS.operations == 3
    assert [step.equation for step in TWO_BAGS.steps()] == ["2 * 5 = 10", "10 + 4 = 14", "14 - 6 = 8"]
    assert TWO_BAGS.total == 8


def test_a_question_states_the_numbers_in_their_order():
    text = question_text(TWO_BAGS, random.Random(0))
    assert [word.strip(".") for word in text.split() if word.strip(".").isdigit()] == ["2", "5", "4", "6"]
    assert text.endswith("?")


@given(seed=st.integers(0, 2**32), operations=st.integers(1, 4))
def test_a_running_total_stays_within_its_bounds(seed: int, operations: int):
    problem = sample_problem(random.Random(seed), operations)
    assert problem.operations == operations
    assert all(SMALLEST_TOTAL <= step.result <= LARGEST_TOTAL for step in problem.steps())


@given(seed=st.integers(0, 2**32), operations=st.integers(1, 4))
def test_fields_are_plain_json_and_give_the_problem_back(seed: int, operations: int):
    problem = sample_problem(random.Random(seed), operations)
    assert Problem.from_fields(json.loads(json.dumps(problem.fields()))) == problem


@pytest.mark.parametrize("split", SPLIT_SIZES)
def test_a_split_has_its_size_ids_in_order_and_no_question_twice(split):
    questions = LabQuestions().questions(split)
    assert [q.id for q in questions] == [f"{split}-{i:04d}" for i in range(SPLIT_SIZES[split])]
    assert len({q.prompt for q in questions}) == len(questions)


def test_every_answer_is_the_sum_of_its_numbers():
    for question in LabQuestions().questions("train"):
        fields = question.fields
        assert int(question.answer) == fields["groups"] * fields["size"] + sum(c["amount"] for c in fields["changes"])


def test_the_task_has_two_to_four_operations_in_equal_shares():
    operations = [Problem.from_fields(q.fields).operations for q in LabQuestions().questions("train", 300)]
    assert [operations.count(n) for n in (1, 2, 3, 4)] == [0, 100, 100, 100]


def test_no_two_splits_share_the_numbers_of_a_question_whatever_the_seeds():
    splits = {split: LabQuestions(seed=i).questions(split) for i, split in enumerate(SPLIT_SIZES)}
    seen = {split: {numbers(Problem.from_fields(q.fields)) for q in asked} for split, asked in splits.items()}
    seen["pretraining"] = {numbers(p) for p in islice(problems(random.Random(0), "pretraining", (1, 2, 3)), 3000)}
    for one in seen:
        for other in seen:
            assert one == other or not seen[one] & seen[other]


def test_the_split_depends_on_numbers_only():
    renamed = Problem("Ben", "coins", "jars", 2, 5, (Change("wins", 4), Change("loses", -6)))
    assert bucket(renamed) == bucket(TWO_BAGS)


def test_questions_are_the_same_every_time_and_a_prefix_of_the_whole():
    assert LabQuestions().questions("test", 20) == LabQuestions().questions("test")[:20]


def test_another_seed_gives_other_questions():
    first, second = (LabQuestions(seed=seed).questions("train", 50) for seed in (0, 1))
    assert not {q.prompt for q in first} & {q.prompt for q in second}


def test_the_question_of_an_id_never_changes():
    question = LabQuestions().questions("train", 1)[0]
    assert question.prompt == (
        "Ann has 47 cookies. Then Ann sells 2. Then Ann sells 3. How many cookies does Ann have in the end?"
    )
    assert (question.id, question.answer) == ("train-0000", "42")


def test_a_split_gives_what_it_has():
    assert len(LabQuestions().questions("validation", 201)) == 200


def test_a_question_shows_no_fields_in_its_prompt():
    question: Question = LabQuestions().questions("train", 1)[0]
    assert "#" not in question.prompt
    assert "=" not in question.prompt
