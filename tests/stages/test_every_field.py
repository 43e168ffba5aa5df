"""Which artifacts a field of a user's own file shapes: one record changed, and nothing else is made anew."""

import json

import pytest

from sppl.artifacts.store import Store
from sppl.cli.running import stage_call
from tests.conftest import ROOT
from tests.stages.test_every_key import STAGES, Names

pytestmark = pytest.mark.filterwarnings("default")
SCORED = {"token_stats", "scores", "rankings", "samples"}
TRAINED = {"adapters", "answers", "results"}
GIVEN = [
    "benchmark=local", "benchmark.answer=number", "benchmark.max_new_tokens=200", "metric=[sppl,perplexity]",
    "n_predict=5", "n_score=5", "n_train=5", "n_test=2", "training.epochs=1",
]  # fmt: skip


def records() -> dict[str, list[dict]]:
    asked = [
        {"id": f"q{n}", "question": f"Ben has {n} cups. He gets 3 more. How many cups does Ben have?",
         "gold": str(n + 3), "solution": f"{n} and 3 are {n + 3}.", "note": "old"}
        for n in (7, 12, 9, 15, 8)
    ]  # fmt: skip
    test = [{**row, "id": f"t{number}"} for number, row in enumerate(asked[:2])]
    plain = [{"id": row["id"], "response": f"The answer is {row['gold']}."} for row in asked]
    wordy = [{"id": row["id"], "response": f"Well, let me see: it must be {row['gold']}."} for row in asked]
    return {"questions": asked, "test": test, "plain": plain, "wordy": wordy}


def write(folder, data) -> None:
    folder.mkdir(exist_ok=True)
    for name, rows in data.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def composed(folder, *more: str):
    from hydra import compose, initialize_config_dir

    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return compose("config", overrides=[*GIVEN, f"data_dir={folder}", *more])


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """The names before, and the folder whose files a test may change for as long as it runs."""
    place = tmp_path_factory.mktemp("fields")
    write(place / "data", records())
    cfg, store = composed(place / "data"), Store(str(place / "store"))
    for name in STAGES:
        stage_call(cfg, name)(store=store)
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield place / "data", Names(place / "store", cfg, monkeypatch)


@pytest.mark.parametrize(
    ("file", "field", "value", "expected"),
    [
        ("questions", "question", "Ben has 7 cups and gets 3. How many cups?", {"predictions"} | SCORED | TRAINED),
        ("questions", "gold", "11", SCORED),  # judged anew: the pool of own answers may be another
        ("questions", "solution", "Three more than 7 are 10.", set()),  # nobody reads it here
        ("questions", "note", "new", set()),
        ("plain", "response", "It is 10, as 7 and 3 are.", {"responses"} | SCORED | TRAINED),
        ("test", "question", "Ben has 7 cups and gets 3. How many cups?", {"answers", "results"}),
        ("test", "gold", "11", {"results"}),
    ],
)
def test_a_changed_field_changes_the_names_of_what_it_shapes_and_no_other(file, field, value, expected, names):
    folder, known = names
    data = records()
    for row in data[file] if field == "gold" else data[file][:1]:  # of gold answers all: one may never be given
        row[field] = value
    write(folder, data)
    try:
        after = known.of(composed(folder))
    finally:
        write(folder, records())
    gone = {kind for kind, asked in known.known.items() if asked - after.get(kind, set())}
    assert gone - {"verdicts"} == expected  # verdicts are found row by row, under names that do not change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (["benchmark.questions.duplicates=refuse"], set()),
        (["benchmark.questions.empties=drop"], set()),
        (["benchmark.questions.missing=refuse"], set()),
        (["benchmark.questions.system=drop"], set()),
    ],
)
def test_a_setting_that_finds_nothing_to_decide_changes_no_name(change, expected, names):
    folder, known = names
    after = known.of(composed(folder, *change))
    assert {kind for kind, asked in known.known.items() if asked - after.get(kind, set())} == expected


def test_what_a_setting_leaves_out_changes_the_names_of_what_it_shaped(names):
    folder, known = names
    data = records()
    data["questions"][0]["gold"] = ""
    write(folder, data)
    try:
        after = known.of(composed(folder, "benchmark.questions.empties=drop", "n_predict=4", "n_score=4", "n_train=4"))
    finally:
        write(folder, records())
    gone = {kind for kind, asked in known.known.items() if asked - after.get(kind, set())}
    assert gone >= {"responses", "predictions"} | SCORED | TRAINED
