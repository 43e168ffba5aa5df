"""Every rule on the answers of `cases/`: one file per rule, to which a line is a case."""

from importlib import import_module
from pathlib import Path

import pytest
import yaml

FILES = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(Path(__file__).parent.glob("cases/*.yaml"))}


def rule(name: str):
    module, _, function = name.rpartition(".")
    return getattr(import_module(module), function)


def judged(file: dict, case: str | dict) -> float:
    own = {"text": case} if isinstance(case, str) else case
    row = {
        "id": "a",
        "prompt": "",
        **file.get("row", {}),
        **{key: own[key] for key in own if key not in ("text", "judge")},
    }
    return rule(own.get("judge", file["judge"]))(row, [own["text"]])["accuracy"]


def cases(verdict: str) -> list:
    return [
        pytest.param(file, case, id=f"{name}-{str(case)[-60:]!r}")
        for name, file in FILES.items()
        for case in file[verdict]
    ]


@pytest.mark.parametrize(("file", "case"), cases("right"))
def test_a_right_answer_is_right_in_every_spelling(file, case):
    assert judged(file, case) == 1.0


@pytest.mark.parametrize(("file", "case"), cases("wrong"))
def test_an_answer_that_is_wrong_missing_or_several_is_wrong(file, case):
    assert judged(file, case) == 0.0
