"""What the settings of own files decide: duplicates, empties, questions that lack a strategy; each is counted."""

import json
import logging

import pytest

from sppl.data.files import LocalQuestions, LocalResponses, strategies_in
from sppl.data.problems import BadData
from sppl.schemas import UserError

ROWS = [{"id": id_, "question": f"{id_}?", "gold_label": "2", "response": f"two, {id_}"} for id_ in "abcd"]


def written(tmp_path, rows, name="x"):
    (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(tmp_path)


def ids(place, **settings):
    return [one.id for one in LocalQuestions(place, **settings).questions("train")]


@pytest.fixture(autouse=True)
def _log(caplog):
    caplog.set_level(logging.INFO)


def test_a_record_that_says_the_same_twice_is_read_once_and_counted(tmp_path, caplog):
    place = written(tmp_path, [*ROWS, ROWS[0], ROWS[2]])
    assert ids(place) == [*"abcd"]
    assert "x.jsonl: 2 of 6 records left out: duplicates (benchmark.questions.duplicates=drop)" in caplog.text
    with pytest.raises(BadData, match=r"line 5, field `id`: 'a' is there already, on line 1, and says the same") as one:
        ids(place, duplicates="refuse")
    assert one.value.ways == ("benchmark.questions.duplicates=drop",)


def test_two_responses_of_one_strategy_to_one_question_are_refused_whatever_is_set(tmp_path):
    place = written(tmp_path, [*ROWS, ROWS[0] | {"response": "another"}])
    with pytest.raises(BadData, match="with another response") as one:
        ids(place, duplicates="drop", empties="drop", missing="drop")
    assert one.value.ways == ()


@pytest.mark.parametrize("empty", ["", "  \n", None])
@pytest.mark.parametrize("field", ["response", "gold_label"])
def test_single_gaps_are_refused_with_the_setting_that_leaves_them_out(field, empty, tmp_path, caplog):
    place = written(tmp_path, [ROWS[0], ROWS[1] | {field: empty}, *ROWS[2:]])
    with pytest.raises(BadData, match=f"x.jsonl, line 2, field `{field}`: no") as one:
        ids(place)
    assert one.value.ways == ("benchmark.questions.empties=drop",)
    assert ids(place, empties="drop") == [*"acd"]
    assert "benchmark.questions.empties=drop" in caplog.text
    (strategy,) = strategies_in(folder=place).values()
    source = LocalResponses(place, empties="drop")
    assert source.respond(strategy, LocalQuestions(place, empties="drop").questions("train"))[1] == "two, c"


@pytest.mark.parametrize("field", ["response", "gold_label"])
def test_what_no_record_of_a_file_has_is_no_gap(field, tmp_path):
    place = written(tmp_path, [{key: value for key, value in row.items() if key != field} for row in ROWS])
    with pytest.raises(BadData, match=f"field `{field}`: no") as one:
        ids(place, empties="drop")
    assert one.value.ways == (("benchmark.answer=none",) if field == "gold_label" else ())


def test_a_question_that_is_empty_in_the_file_of_questions_is_left_out_of_all_files(tmp_path):
    asked = [{"id": row["id"], "question": "" if row["id"] == "b" else row["question"], "answer": "2"} for row in ROWS]
    written(tmp_path, asked, "questions")
    place = written(tmp_path, [{"id": row["id"], "response": row["response"]} for row in ROWS])
    with pytest.raises(BadData, match=r"questions.jsonl, line 2, field `question`: no question, or an empty one"):
        ids(place)
    assert ids(place, empties="drop") == [*"acd"]


def test_a_gold_answer_that_another_file_has_is_no_gap(tmp_path):
    written(tmp_path, [ROWS[0] | {"gold_label": ""}, *ROWS[1:]])
    place = written(tmp_path, ROWS, "y")
    assert [one.answer for one in LocalQuestions(place).questions("train")] == ["2"] * 4


def test_questions_that_lack_a_strategy_are_left_out_or_refused(tmp_path, caplog):
    written(tmp_path, ROWS)
    place = written(tmp_path, ROWS[:3], "y")
    assert ids(place) == [*"abc"]
    said = "3 of 4 training questions have a response of every strategy (x 4, y 3)"
    assert f"{said}; left out: d" in caplog.text
    with pytest.raises(BadData) as one:
        ids(place, missing="refuse")
    assert f"{said}, and benchmark.questions.missing=refuse; without one: d" in str(one.value)
    assert one.value.ways == ("benchmark.questions.missing=drop",)


@pytest.mark.parametrize("setting", ["duplicates", "empties", "missing"])
def test_a_value_that_there_is_not_is_told_with_those_there_are(setting, tmp_path):
    with pytest.raises(UserError, match=f"benchmark.questions.{setting}=keep: there are refuse and drop"):
        ids(written(tmp_path, ROWS), **{setting: "keep"})


def test_names_that_differ_in_their_letters_only_are_pointed_at(tmp_path):
    place = written(tmp_path, [{"Question": "1?", "Response ": "r", "label": "2"}])
    with pytest.raises(BadData, match="names count as they are written: 'Question', 'Response '"):
        ids(place)


def test_questions_under_two_ids_and_lost_characters_are_counted(tmp_path, caplog):
    written(tmp_path, ROWS)
    other = [row | {"id": row["id"] * 2, "response": "zw\ufffdlf"} for row in ROWS[:3]]
    place = written(tmp_path, [*other, ROWS[3]], "y")
    assert ids(place) == ["d"]
    assert "y.jsonl: in 3 of 4 records the question has another id than elsewhere, and is joined by id" in caplog.text
    assert "y.jsonl: in 3 of 4 records a character is lost (U+FFFD)" in caplog.text
