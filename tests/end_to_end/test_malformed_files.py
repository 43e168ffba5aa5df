"""Malformed files through the command: one clear error each, no traceback, nothing half-made in the store."""

import json
import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.filterwarnings("default")
ROW = {"id": "a", "question": "1 + 1?", "gold_label": "2", "response": "It is 2."}
LINES = [json.dumps(ROW | {"id": f"q{n}", "question": f"{n} + 1?", "response": f"zw\u00f6lf {n}"}) for n in range(4)]
BAD_VALUES = [None, "", "   ", [], {}, ["x"], "\ud800", True, float("nan"), float("inf")]


def _cut(line, at):
    return line[: 1 + at % (len(line) - 2)].encode()


def _field(line, at):
    record = json.loads(line)
    record[("question", "gold_label", "response")[at % 3]] = BAD_VALUES[at // 3 % len(BAD_VALUES)]
    record.pop("id")
    return json.dumps(record).encode()


def _renamed(line, at):
    record = json.loads(line)
    name = ("gold_label", "response")[at % 2]
    return json.dumps({key if key != name else f"my_{key}": value for key, value in record.items()}).encode()


def _byte(line, at):
    raw = line.encode()
    return raw[: at % len(raw)] + b"\xff" + raw[at % len(raw) :]


BREAKS = {
    "cut short": _cut,
    "a field that will not do": _field,
    "a field of another name": _renamed,
    "a byte that is no UTF-8": _byte,
    "no object": lambda line, at: json.dumps([line, at, None, "x"][at % 4]).encode(),
    "a comma behind a record": lambda line, at: (line + " " * (at % 3) + ",").encode(),
    "a field twice": lambda line, at: line[:-1].encode() + b', "response": "another"}',
    "a system turn": lambda line, at: json.dumps(json.loads(line) | {"system": "Be brief."}).encode(),
    "another response": lambda line, at: (line + "\n" * (1 + at % 3) + line.replace("zw", "Zw")).encode(),
    "a number out of range": lambda line, at: b'{"id": ' + b"9" * (5000 + at % 100) + b"}",
}


@st.composite
def malformed(draw):
    """The bytes of a file with one thing wrong in it, and what."""
    what, at, where = draw(st.sampled_from(sorted(BREAKS))), draw(st.integers(0, 10_000)), draw(st.integers(0, 3))
    lines = [line.encode() for line in LINES]
    lines[where] = BREAKS[what](LINES[where], at)
    return what, b"\n".join(lines)


def check(file, run_py, tmp_path, seen):
    """One file, through the whole command."""
    what, raw = file
    folder, store = tmp_path / "data", tmp_path / "store"
    folder.mkdir(exist_ok=True)
    (folder / "mine.jsonl").write_bytes(raw)
    done = run_py("stage=[generate]", "benchmark=local", f"data_dir={folder}", "n_score=1", "n_train=1", store=store)
    assert done.code == 1, (what, done.out)
    assert "Traceback" not in done.out
    assert re.search(r"\d+ problems? in 1 data file, nothing was read:", done.out), done.out
    assert re.search(r"\(1\) mine\.jsonl, line [1-9]", done.out), done.out
    assert not [path for path in store.rglob("*") if path.is_file()]
    seen.append(what)


@pytest.mark.parametrize("n", [5, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_a_malformed_file_is_one_clear_error_and_no_partial_artifact(n, run_py, tmp_path):
    seen = []
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    options = {"max_examples": n, "deadline": None, "derandomize": True, "database": None}
    many = settings(**options, suppress_health_check=quiet, phases=[Phase.generate])
    many(given(file=malformed())(lambda file: check(file, run_py, tmp_path, seen)))()
    assert len(seen) == n
    assert len(set(seen)) >= min(len(BREAKS), n // 3)


def test_a_question_longer_than_the_target_reads_is_named_before_any_work(run_py, tmp_path):
    rows = [ROW, ROW | {"id": "long", "question": "how many? " * 8_000}]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    own = ["benchmark=local", f"data_dir={tmp_path}", "n_score=2", "n_predict=2", "n_train=2", "metric=[perplexity]"]
    for stage in ("predict", "score"):
        done = run_py(f"stage=[{stage}]", *own, store=tmp_path / "store")
        assert done.code == 1
        assert "Traceback" not in done.out
        assert re.search(r"longer than the target's \d+ tokens.*long", done.out), done.out
    assert not list((tmp_path / "store").glob("predictions/**/*.parquet"))
    assert not list((tmp_path / "store").glob("token_stats/**/*.parquet"))
