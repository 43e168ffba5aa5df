"""Teachers on a bad day: whatever comes over the line, nothing is lost, paid for twice or beyond the limit."""

import json
import math
from pathlib import Path

import pytest

from sppl.schemas import UserError
from sppl.teachers.budget import Budget
from sppl.teachers.teacher_responses import TeacherResponses
from tests.servers.rough import FAULTS, rough, said
from tests.unit.teachers.test_teachers import QUESTIONS, RECIPE, source

LASTING = {"sends numbers for texts", "says that nothing has changed"} | {
    name for name in FAULTS if ("more" in name and "room" in name) or "unpacks to more" in name
}
"""Those that asking again would not mend."""


def ask(url: str, folder: Path, limit: float = math.inf) -> tuple[list[str], Budget]:
    budget = Budget(limit)
    one = source(url, folder, tries=3, input_price=1.0, output_price=1.0).within(budget)
    return one.respond(RECIPE, QUESTIONS[:2]), budget


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for path in folder.rglob("*.jsonl") for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in LASTING])
def test_after_a_fault_of_the_line_every_question_is_answered_once_and_the_limit_kept(name, tmp_path):
    with rough(FAULTS[name], 1) as (url, met):
        found, budget = ask(url, tmp_path, limit=1.0)
        assert found == ["Final Answer: 1"] * 2
        assert sorted(met.values()) == [2, 2]
        assert ask(url, tmp_path)[0] == found
        assert sorted(met.values()) == [2, 2]  # nothing is asked again
    assert len(lines(tmp_path)) == 2
    assert 29e-6 <= budget.taken <= 1.0


@pytest.mark.parametrize("name", sorted(LASTING))
def test_what_will_come_again_is_asked_for_once_and_the_reason_told(name, tmp_path):
    with rough(FAULTS[name], 100) as (url, met):
        with pytest.raises(UserError, match=r"2 of 2 questions have no response|another address"):
            ask(url, tmp_path)
        assert set(met.values()) <= {1}
    with rough(said(), 0) as (url, _):
        assert ask(url, tmp_path)[0] == ["Final Answer: 1"] * 2


USAGES = [{"prompt_tokens": -(10**9), "completion_tokens": -1}, "many", None, [], {"prompt_tokens": 1e999}]


@pytest.mark.parametrize("usage", USAGES)
def test_a_usage_that_is_none_never_makes_room_for_more(usage, tmp_path):
    with rough(said(usage=usage), 100) as (url, met):
        found, budget = ask(url, tmp_path)
        assert found == ["Final Answer: 1"] * 2
        assert budget.taken >= 29e-6
        assert sorted(met.values()) == [1, 1]
        tight = source(url, tmp_path / "own", input_price=1.0, output_price=1e5).within(Budget(0.5 * budget.taken))
        with pytest.raises(Exception, match=r"beyond the limit|no response"):
            tight.respond(RECIPE, QUESTIONS)
        assert tight.budget.taken <= tight.budget.limit
    assert isinstance(tight, TeacherResponses)
