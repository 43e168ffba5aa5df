"""Data and store lie wherever their owner put them, whatever characters are in the path."""

import json

import pytest

from tests.conftest import QUICK

NAMES = [
    *(
        " with  blanks ",
        "it's",
        'a "b"',
        "ünï 中文 🙂",
        "two\nlines",
        "a=b",
        "a,b",
        "a[1]{x}(y)",
        "50% #1",
        "~x",
        "-rf",
    ),
    *("a\\b", "$HOME", ";ls &", "a:b@c", "`x`", "*?", "!x", "\t", "null", "x" * 250),
]
SHORT = 2
"""How many of them the default run tries: each has several kinds at once."""
ROWS = [
    {"id": f"q{at}", "question": f"How many, {at}?", "response": f"Answer: {at}", "gold_label": f"{at}"}
    for at in range(4)
]


def quoted(path) -> str:
    """A value as Hydra takes it, whatever is in it."""
    return "'" + str(path).replace("\\'", "\\\\'").replace("'", "\\'") + "'"


@pytest.mark.parametrize(
    "name", [*NAMES[:SHORT], *(pytest.param(one, marks=pytest.mark.faults) for one in NAMES[SHORT:])]
)
def test_a_path_with_any_character_is_read_and_written(name, run_py, tmp_path):
    data, store = tmp_path / "data" / name, tmp_path / "store" / name
    data.mkdir(parents=True)
    for strategy in ("one", "two"):
        (data / f"{strategy}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    own = ["stage=[generate]", "benchmark=local", "benchmark.answer=number", f"data_dir={quoted(data)}", "logger=[]"]
    done = run_py(*QUICK, *own, "n_train=4", "n_score=2", store=quoted(store))
    assert done.code == 0, done.out
    assert len(list(store.glob("responses/local/*/*.parquet"))) == 2
    assert "Traceback" not in done.out
