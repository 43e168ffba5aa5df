import json

import pytest

from sppl.artifacts.store import Store
from sppl.benchmarks.definition import Benchmark
from sppl.benchmarks.splits import take
from sppl.benchmarks.validation_questions import questions_apart
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


def run(tmp_path, folder=None, **settings):
    one = Benchmark("tiny", Asked(), Answered(), "local_number", 10)
    options = {"n_train": "all", "shape": "messages", "only_correct": False, **settings}
    recipe = Recipe("mine", "written by hand")
    store = Store(str(tmp_path / "store"))
    export(benchmark=one, strategy={"mine": recipe}, folder=str(tmp_path / "out"), store=store, **options)
    (folder,) = (tmp_path / "out" / "tiny").glob("mine*") if folder is None else [tmp_path / "out" / "tiny" / folder]
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


def test_an_export_of_another_shape_or_fewer_rows_lies_beside_the_first(tmp_path):
    rows, *_ = run(tmp_path, "mine")
    run(tmp_path, "mine-alpaca", shape="alpaca")
    run(tmp_path, "mine-right", only_correct=True)
    run(tmp_path, "mine-n1", n_train=1)
    assert run(tmp_path, "mine-n1-alpaca", n_train=1, shape="alpaca")[0] != rows
    first = tmp_path / "out" / "tiny" / "mine" / "data.jsonl"
    assert [json.loads(line)["id"] for line in first.read_text().splitlines()] == ["a", "b"]


def test_all_rows_of_a_strategy_are_those_too_whose_questions_others_do_not_answer(tmp_path):
    data = tmp_path / "mine"
    data.mkdir()
    rows = [{"id": f"q{at}", "question": f"{at} + 1?", "gold_label": str(at + 1)} for at in range(6)]
    for name, n in (("many", 6), ("few", 3)):
        lines = [json.dumps(row | {"response": f"so {row['gold_label']}"}) for row in rows[:n]]
        (data / f"{name}.jsonl").write_text("\n".join(lines))
    read = {"folder": str(data), "answer": "number"}
    store = Store(str(tmp_path / "store"))
    for held_out, wanted in ((0.0, ["q0", "q1", "q2", "q3", "q4", "q5"]), (0.4, ["q0", "q1", "q3", "q4", "q5"])):
        questions = LocalQuestions(**read, held_out=held_out)
        one = Benchmark("local", questions, LocalResponses(**read), "local_number", 10)
        options = {"n_train": "all", "shape": "messages", "only_correct": False, "data": str(data)}
        export(benchmark=one, strategy={"many": Recipe("many", "x")}, folder=str(tmp_path), store=store, **options)
        made = tmp_path / "local-mine" / "many" / "data.jsonl"
        assert [json.loads(line)["id"] for line in made.read_text().splitlines()] == wanted


def test_all_rows_of_a_strategy_are_found_by_the_same_settings_as_the_sample(tmp_path):
    data = tmp_path / "mine"
    data.mkdir()
    rows = [{"question": f"{at} + 1?", "response": f"so {at + 1}", "gold": str(at + 1)} for at in range(4)]
    lacking = [{**rows[0], "response": ""}, *rows[1:3], {**rows[3], "gold": ""}]
    (data / "gaps.json").write_text(json.dumps(lacking))
    (data / "one.json").write_text(json.dumps(rows[1:2]))
    read = {"folder": str(data), "answer": "number", "empties": "drop", "duplicates": "refuse"}
    recipe, questions = Recipe("gaps", "x"), LocalQuestions(**read)
    assert [one.answer for one in questions.answered_by(recipe)] == ["2", "3"]
    assert LocalResponses(**read).respond(recipe, questions.answered_by(recipe)) == ["so 2", "so 3"]


def test_a_data_set_without_a_row_is_refused_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(TEXTS, "a", "so: 7")
    with pytest.raises(UserError, match="would keep 0 of 2 rows of mine: local_number judges none of them right"):
        run(tmp_path, only_correct=True)
    assert not (tmp_path / "out").exists()
    rows, _, _ = run(tmp_path)
    assert len(rows) == 2


def test_a_split_that_has_no_question_is_refused_where_all_are_asked_for(tmp_path):
    nothing = Benchmark("tiny", Asked(), Answered(), "local_number", 10, without=("a", "b"))
    with pytest.raises(UserError, match=r"tiny has no train questions, as benchmark.without leaves out 2"):
        take(nothing, "train", "all")
    with pytest.raises(UserError, match="whole number above 0"):
        questions_apart(nothing, 0)


def test_answers_without_a_token_are_refused():
    with pytest.raises(UserError, match=r"benchmark.max_new_tokens=0"):
        Benchmark("tiny", Asked(), Answered(), "local_number", 0)
