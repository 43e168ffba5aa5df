"""No artifact is read as the result of inputs it was not made with: a store that saw them change equals a fresh one."""

import json
import re
from pathlib import Path

import pytest

from sppl.artifacts.store import Store

pytestmark = pytest.mark.filterwarnings("default")
NUMBERS = (7, 12, 9, 15, 8, 11)
JUDGE = '''
def judge(doc, results):
    """Right where the last number is the gold one."""
    import re
    found = re.findall(r"\\d+(?:\\.\\d+)?", results[0])
    return {"accuracy": float(bool(found) and float(found[-1]) == float(doc["answer"]))}
'''
TASK = "include: tasks/base.yaml\ntask: mine\nprocess_results: !function rules.judge\n"
METRIC = '''
from dataclasses import dataclass

from factor import FACTOR
from sppl.metrics.perplexity import Perplexity


@dataclass(frozen=True)
class Mine(Perplexity):
    """Perplexity in another unit."""

    @property
    def name(self):
        return "mine"

    def per_example(self, tables):
        scores = super().per_example(tables)
        return scores.assign(value=scores["value"] * FACTOR)
'''


class Folder:
    """A user's own task, rule and metric, in files that may change."""

    def __init__(self, place: Path, base: Path):
        self.place = place
        (place / "data").mkdir(parents=True)
        (place / "tasks").mkdir()
        (place / "tasks" / "base.yaml").write_text((base / "_written_answer").read_text())
        (place / "mine.yaml").write_text(TASK)
        (place / "rules.py").write_text(JUDGE)
        (place / "my_metric.py").write_text(METRIC)
        (place / "factor.py").write_text("FACTOR = 1.0\n")
        rows = [{"id": f"q{n}", "question": f"Ben has {n} cups. He gets 3 more. How many cups does Ben have?",
                 "gold": str(n + 3)} for n in NUMBERS]  # fmt: skip
        self.write("questions", rows)
        self.write("plain", [{"id": f"q{n}", "response": f"{n} + 3 = {n + 3}"} for n in NUMBERS])
        self.write("wordy", [{"id": f"q{n}", "response": f"Well: three more than {n}, so {n + 3}"} for n in NUMBERS])

    def write(self, name: str, rows: list[dict]) -> None:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (self.place / "data" / f"{name}.jsonl").write_text(text)

    def change(self, file: str, old: str, new: str) -> None:
        path = self.place / file
        text = path.read_text()
        assert re.search(old, text), f"nothing to change in {file}"
        path.write_text(re.sub(old, new, text))


@pytest.fixture
def folder(tmp_path, root, monkeypatch):
    made = Folder(tmp_path / "own", root / "sppl" / "benchmarks" / "tasks")
    monkeypatch.syspath_prepend(str(made.place))
    return made


def ranking(stage, folder: Folder, store: Store) -> dict:
    """What all stages up to rank say of the folder, as a new process would."""
    import importlib
    import sys

    for name in ("my_metric", "factor", "rules"):
        if name in sys.modules:
            importlib.reload(sys.modules[name])
    for cached in ("my_metric",):
        sys.modules.pop(cached, None)
    given = ["benchmark=local", f"data_dir={folder.place / 'data'}", f"benchmark.task={folder.place / 'mine.yaml'}",
             "benchmark.answer=number", "metric=[sppl,perplexity]",
             "+metric.mine={_target_: my_metric.Mine}", "n_predict=6", "n_score=6"]  # fmt: skip
    for name in ("predict", "score"):
        stage(name, store, *given)
    plan = stage("rank", store, *given)
    frame = store.read(store.open([*plan.found, *plan.to_make][-1]))
    return {(row.metric, row.strategy, row.note): row.value for row in frame.itertuples()}


@pytest.mark.parametrize(
    ("file", "old", "new", "matters"),
    [
        ("data/questions.jsonl", r'"gold": "10"', '"gold": "10.0"', None),  # the closing line of an own answer
        ("data/questions.jsonl", r'"gold": "(\d)', r'"gold": "9\1', True),  # nothing is right any more
        ("data/questions.jsonl", r'How many cups does Ben have\?"', 'How many cups are there?"', True),
        ("data/plain.jsonl", r"7 \+ 3", "3 + 7", True),
        ("rules.py", r"found\[-1\]", "found[0]", True),
        ("mine.yaml", r"task: mine", "task: mine_again", None),
        ("tasks/base.yaml", r"version: 2.0", "version: 3.0", None),
        ("my_metric.py", r"\* FACTOR", "* FACTOR * 2", True),
        ("factor.py", r"1\.0", "3.0", True),
    ],
)
def test_a_store_that_saw_an_input_change_says_what_a_fresh_one_says(
    file, old, new, matters, folder, stage, tmp_path, monkeypatch
):
    seen, fresh = Store(str(tmp_path / "seen")), Store(str(tmp_path / "fresh"))
    before = ranking(stage, folder, seen)
    folder.change(file, old, new)
    after = ranking(stage, folder, seen)
    assert after == pytest.approx(ranking(stage, folder, fresh), rel=1e-5)  # passes that are cut otherwise
    assert not matters or after != pytest.approx(before, rel=1e-4)


def test_trained_answers_are_judged_again_by_another_rule_and_not_answered_again(folder, stage, tmp_path):
    store = Store(str(tmp_path / "store"))
    given = ["benchmark=local", f"data_dir={folder.place / 'data'}", f"benchmark.task={folder.place / 'mine.yaml'}",
             "benchmark.answer=number", "n_train=4", "n_test=2"]  # fmt: skip
    rows = [
        {"id": f"t{n}", "question": f"Ben has {n} cups. He gets 3 more. How many?", "gold": str(n + 3)} for n in (4, 5)
    ]
    folder.write("test", rows)
    stage("finetune", store, *given)
    first = stage("benchmark", store, *given).to_make
    folder.change("rules.py", r"float\(bool\(found\).*\)", "1.0")
    again = stage("benchmark", store, *given)
    assert {name.partition("/")[0] for name in again.found} == {"answers"}
    assert {name.partition("/")[0] for name in again.to_make} == {"results"}
    assert len(again.to_make) == len([name for name in first if name.startswith("results/")]) == 3
    assert store.provenance(store.open(again.to_make[0]))["accuracy"] == 1.0
