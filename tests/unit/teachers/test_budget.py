"""Money is set aside before it can be spent, by all processes of a sweep together."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sppl.teachers.bill import Bill
from sppl.teachers.budget import Budget, reset_spent, spent_file, sweep_name
from tests.servers.running import ROOT

REQUESTS = st.lists(st.tuples(st.floats(0, 3), st.floats(0, 1)), max_size=30)


@given(st.floats(0, 10), REQUESTS)
def test_whatever_is_asked_for_never_more_than_the_limit_is_taken(limit, requests):
    budget, under_way = Budget(limit), []
    for worst, share in requests:
        if budget.reserve(worst):
            under_way.append((worst, worst * share))
        elif under_way:
            budget.settle(*under_way.pop())
        assert -1e-6 <= budget.taken <= limit + 1e-6
    for worst, spent in under_way:
        budget.settle(worst, spent)


def test_processes_that_share_a_budget_take_no_more_than_it_has(tmp_path):
    file = spent_file(str(tmp_path), "sweep")
    code = (
        "import sys; from pathlib import Path; from sppl.teachers.budget import Budget; "
        "b = Budget(20.0, Path(sys.argv[1])); print(sum(b.reserve(1.0) for _ in range(15)))"
    )
    command = [sys.executable, "-c", code, str(file)]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sum(int(one.communicate()[0]) for one in both) == 20
    assert Budget(20.0, file).taken == 20.0
    reset_spent(str(tmp_path), "sweep")
    assert Budget(20.0, file).taken == 0.0


def test_two_sweeps_of_one_name_in_different_folders_are_two():
    assert sweep_name(Path("a/sweep")) != sweep_name(Path("b/sweep"))


@pytest.mark.parametrize(("text", "read"), [("four", 4), ("vier und vierzig", 16), ("四十四", 9), ("", 0)])
def test_a_request_can_take_one_token_per_byte_and_the_marks_of_its_messages(text, read):
    messages = [{"role": "user", "content": text}]
    assert Bill("t", (1.0, 1.0)).most(messages, 100) == (16 + 16 + read, 100)


def test_what_a_server_adds_to_a_prompt_is_foreseen_the_next_time():
    bill, messages = Bill("t", (1.0, 1.0)), [{"role": "user", "content": "four"}]
    bill.learn(bill.most(messages, 100), (536, 100))
    assert bill.most(messages, 100) == (536, 100)
    bill.learn(bill.most(messages, 100), (300, 90))
    bill.learn(bill.most(messages, 100), None)
    assert bill.most(messages, 100) == (536, 100)
