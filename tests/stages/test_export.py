import json

import pytest

from sppl.artifacts.store import Store
from sppl.benchmarks.benchmark import Benchmark
from sppl.data.files import LocalQuestions, LocalResponses
from sppl.schemas import Question, UserError
from sppl.stages.export import export
from sppl.strategies.recipe import Recipe

pytestmark = pytest.mark.filterwarnings("default")
TEXTS = {"a": "so: 1", "b": 'ü "3"\n{x}'}


class Asked:
    def questions(self, split, n=None):
        return [Question("a", "one?", "1"), Question("b", "two?", "2")][:n]


class Answered:
    label, paid, by_id = "files", False, True

    def identity(self, strategy):
        return TEXTS

    def respond(self, strategy, questions):
        return [TEXTS[question.id] for question in questions]


def run(tmp_path, **settings):
    one = Benchmark("tiny", Asked(), Answered(), "local_number", 10)
    options = {"n_train": "all", "shape": "messages", "only_correct": False, **settings}
    recipe = Recipe("mine", "written by hand")
    store = Store(str(tmp_path / "store"))
    export(benchmark=one, strategy={"mine": recipe}, folder=str(tmp_path / "out"), store=store, **options)
    folder = tmp_path / "out" / "tiny" / "mine"
    lines = (folder / "data.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines], (folder / "README.md").read_text(), folder


@pytest.mark.parametrize("shape", ["messages", "prompt_completion", "alpaca"])
def test_an_exported_file_is_read_back_as_what_it_was(shape, tmp_path):
    rows, _, folder = run(tmp_path, shape=shape)
    assert [row["id"] for row in rows] == ["a", "b"]
    with (folder / "questions.jsonl").open("w") as stream:
        stream.write('{"id": "a", "question": "one?", "gold": "1"}\n{"id": "b", "question": "two?", "gold": "2"}\n')
    (folder / "README.md").unlink()
    asked = LocalQuestions(str(folder), "number").questions("train")
    assert LocalResponses(str(folder), "number").respond(Recipe("data", ""), asked) == list(TEXTS.values())


def test_wrong_responses_are_left_out_on_request_and_the_card_counts(tmp_path):
    rows, card, _ = run(tmp_path, only_correct=True)
    assert [row["id"] for row in rows] == ["a"]
    assert "1 rows in `data.jsonl`" in card
    assert "1 of them judged right" in card
    assert card.startswith("---\npretty_name: ")


def test_an_unknown_shape_is_answered_with_those_there_are(tmp_path):
    with pytest.raises(UserError, match="messages, prompt_completion, alpaca"):
        run(tmp_path, shape="xml")


@pytest.mark.parametrize("shape", ["messages", "prompt_completion"])
def test_the_hubs_library_loads_the_folder_by_its_card_and_trl_knows_the_rows(shape, tmp_path, monkeypatch):
    import datasets
    from trl import data_utils

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    _, _, folder = run(tmp_path, shape=shape)
    rows = datasets.load_dataset(str(folder), split="train")
    assert list(rows["id"]) == ["a", "b"]
    row = {key: value for key, value in rows[0].items() if key != "id"}
    assert data_utils.is_conversational(row) == (shape == "messages")
    assert set(row) == {"messages": {"messages"}, "prompt_completion": {"prompt", "completion"}}[shape]
