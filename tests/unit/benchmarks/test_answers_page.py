"""The page on answers says of every rule what the rule does."""

import re
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.unit.benchmarks.test_answer_cases import FILES, rule

PAGE = (ROOT / "docs/answers.md").read_text()
SPAN = re.compile(r"(?<!`)(`{1,4})(?!`)(.+?)(?<!`)\1(?!`)")
PLACES = {"code": "code", "plans": "plans", "choice": "choice"}
"""Rules that need more of a question than its gold answer, and the cases that have it."""


def spans(cell: str) -> list[str]:
    found = [text.strip() if len(ticks) > 1 else text for ticks, text in SPAN.findall(cell)]
    return [text.replace("⏎", "\n") for text in found]


def rows() -> list[tuple[str, str, list[str], list[str]]]:
    """Rule, gold answer, right and wrong answers of every line of the table."""
    lines = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| ")][1:]
    return [(spans(cells[0])[0], "".join(spans(cells[3])), spans(cells[4]), spans(cells[5])) for cells in lines]


def judged(name: str, gold: str, text: str) -> float:
    row = FILES[PLACES[name.split(".")[0]]]["row"] if name.split(".")[0] in PLACES else {}
    row = {"prompt": "", **row, **({"answer": gold} if gold else {})}
    return rule(f"sppl.benchmarks.answers.{name}")(row, [text])["accuracy"]


@pytest.mark.parametrize(("name", "gold", "right", "wrong"), rows(), ids=lambda value: value if "." in value else "")
def test_the_pages_right_answers_are_right_and_its_wrong_ones_wrong(name, gold, right, wrong):
    assert len(right) > 0
    assert len(wrong) > 0
    assert {text: judged(name, gold, text) for text in right} == dict.fromkeys(right, 1.0)
    assert {text: judged(name, gold, text) for text in wrong} == dict.fromkeys(wrong, 0.0)


def test_the_page_has_a_line_for_every_rule_that_a_task_names():
    tasks = Path(ROOT, "sppl/benchmarks/tasks").glob("*.yaml")
    named = {found for task in tasks for found in re.findall(r"answers\.(\w+\.\w+)", task.read_text())}
    on_page = {name for line in PAGE.splitlines() for name in re.findall(r"`((?:\w+\.)?judge\w*)`", line)}
    assert len(named) == 17
    others = {"choice.judge_a_to_j", "choice.judge_own_labels", *(f"choice.judge_1_to_{n}" for n in (2, 4, 5))}
    assert {name for name in named - others if name not in on_page and name.split(".")[1] not in on_page} == set()


def test_every_rule_has_forty_cases_at_least_right_and_wrong_ones():
    counts = {name: (len(file["right"]), len(file["wrong"])) for name, file in FILES.items()}
    assert {name: n for name, n in counts.items() if sum(n) < 40 or min(n) < 10} == {}


def test_no_case_is_there_twice():
    for name, file in FILES.items():
        cases = [yaml.safe_dump(case) for case in file["right"] + file["wrong"]]
        assert [case for case in cases if cases.count(case) > 1] == [], name
