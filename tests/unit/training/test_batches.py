import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sppl.schemas import UserError
from sppl.training.batches import WINDOW, Example, Steps, collate, fit_length, pack

SHAPES = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=60)


def made(shapes: list[tuple[int, int]]) -> list[Example]:
    return [Example(f"q{i}", tuple(range(1, p + 1)), tuple(range(20, r + 20))) for i, (p, r) in enumerate(shapes)]


def ids(steps: list[list[Example]]) -> list[list[str]]:
    return [[example.id for example in step] for step in steps]


@given(SHAPES, st.integers(1, 5), st.integers(1, 3), st.integers(0, 3))
def test_every_epoch_holds_every_example_once_in_full_steps(shapes, batch_size, accumulate, epoch):
    data = made(shapes)
    steps = Steps(data, batch_size, accumulate, seed=7)
    order = ids(steps.order(epoch))
    assert len(order) == len(steps)
    assert sorted(name for step in order for name in step) == sorted(example.id for example in data)
    assert all(len(step) <= batch_size * accumulate for step in order)
    # at most one step per window is short, and only the last window can be
    assert sum(len(step) < batch_size * accumulate for step in order) <= 1


def test_the_order_depends_on_seed_and_epoch_only():
    data = made([(1, n % 7 + 1) for n in range(40)])
    assert ids(Steps(data, 4, seed=1).order(2)) == ids(Steps(data, 4, seed=1).order(2))
    assert ids(Steps(data, 4, seed=1).order(2)) != ids(Steps(data, 4, seed=1).order(3))
    assert ids(Steps(data, 4, seed=1).order(2)) != ids(Steps(data, 4, seed=2).order(2))


def test_examples_of_a_step_are_of_similar_length():
    data = made([(1, n + 1) for n in range(WINDOW * 4)])
    steps = Steps(data, 4, seed=1).order(0)
    assert all(max(map(len, step)) - min(map(len, step)) == 3 for step in steps)


@settings(deadline=None)
@given(SHAPES, st.integers(1, 4), st.integers(0, 30))
def test_a_loader_given_the_state_of_another_goes_on_with_its_batches(shapes, batch_size, taken):
    data = made(shapes)
    first, second = Steps(data, batch_size, seed=3), Steps(data, batch_size, seed=3)
    stream = (step for _ in range(taken + 3) for step in first)
    for _ in range(taken):
        next(stream)
    second.load_state_dict(first.state_dict())
    going_on = (step for _ in range(3) for step in second)
    for _ in range(3):
        assert [batch["ids"] for batch in next(going_on)] == [batch["ids"] for batch in next(stream)]


def test_positions_and_labels_are_those_of_the_response_tokens():
    batch = collate([[Example("a", (1, 2, 3), (4, 5))], [Example("b", (6,), (7, 8, 9))]], tokens=5)
    assert batch["input_ids"].tolist() == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 0]]
    assert batch["where"].tolist() == [2, 3, 5, 6, 7]  # the position before each token of a response
    assert batch["labels"].tolist() == [4, 5, 7, 8, 9]
    assert batch["position_ids"] is None
    assert (batch["ids"], batch["tokens"]) == (["a", "b"], 5)


def test_what_others_say_within_a_response_is_read_and_not_learnt():
    talk = Example("q", (1, 2), (20, 21, 5, 6, 22), given=((2, 4),))
    (batch,) = Steps([talk], 1).batches([talk])
    assert batch["input_ids"].tolist() == [[1, 2, 20, 21, 5, 6, 22]]
    assert batch["where"].tolist() == [1, 2, 5]
    assert batch["labels"].tolist() == [20, 21, 22]
    assert batch["tokens"] == 3


def test_positions_restart_with_every_example_of_a_packed_row():
    batch = collate(
        [[Example("a", (1, 2), (3,)), Example("b", (4,), (5, 6))], [Example("c", (7,), (8,))]], 4, packed=True
    )
    assert batch["input_ids"].tolist() == [[1, 2, 3, 4, 5, 6], [7, 8, 0, 0, 0, 0]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1, 2], [0, 1, 0, 1, 2, 3]]
    assert batch["where"].tolist() == [1, 3, 4, 6]
    assert batch["labels"].tolist() == [3, 5, 6, 8]


@given(SHAPES, st.integers(18, 40))
def test_packing_loses_nothing_and_overfills_no_row(shapes, capacity):
    data = made(shapes)
    rows = pack(data, capacity)
    assert sorted(example.id for row in rows for example in row) == sorted(example.id for example in data)
    assert all(sum(map(len, row)) <= capacity for row in rows)
    # first fit: no two rows could be one
    loads = sorted(sum(map(len, row)) for row in rows)
    assert len(loads) < 2 or loads[0] + loads[1] > capacity


def test_all_processes_together_see_every_example_once(monkeypatch):
    data = made([(1, n + 1) for n in range(5)])
    shares = []
    for rank in range(3):
        monkeypatch.setattr("sppl.training.batches._rank", lambda rank=rank: (rank, 3))
        shares.append(list(Steps(data, 4)))
    for share in shares[1:]:
        assert [len(step) for step in share] == [len(step) for step in shares[0]]
        assert [batch["tokens"] for step in share for batch in step] == [
            b["tokens"] for step in shares[0] for b in step
        ]
    seen = [name for share in shares for step in share for batch in step for name in batch["ids"]]
    assert sorted(seen) == sorted(example.id for example in data)
    # the last batch has one example for three processes: the others pass without labels
    assert sorted(len(batch["labels"]) > 0 for share in shares for step in share for batch in step) == [
        False,
        False,
        *[True] * 4,
    ]


def test_an_overlong_example_is_refused_with_its_id_and_length():
    with pytest.raises(
        UserError, match=r"1 of 2 examples are longer than 6 tokens, the longest has 9 tokens: q1.*overlong=cut"
    ):
        fit_length(made([(3, 3), (4, 5)]), 6, "refuse")


def test_cutting_takes_the_end_off_and_refuses_what_is_left_without_a_response():
    assert fit_length(made([(3, 3), (4, 5)]), 6, "cut") == made([(3, 3), (4, 2)])
    with pytest.raises(UserError, match="empty within 6 tokens: q1"):
        fit_length(made([(3, 3), (6, 1)]), 6, "cut")


@pytest.mark.parametrize("data", [[], made([(0, 2)]), made([(2, 0)])], ids=["none", "no prompt", "no response"])
def test_nothing_to_learn_is_refused(data):
    with pytest.raises(UserError, match=r"no training examples|empty"):
        fit_length(data, None, "refuse")


def test_examples_load_without_torch():
    code = "import sys, sppl.training.batches, sppl.training.training_settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
