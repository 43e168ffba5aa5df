"""What a user's records hold beside question and response: nothing of it is dropped or made up in silence."""

import json
import logging
import math

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sppl.data.files import LocalQuestions, LocalResponses, strategies_in
from sppl.schemas import UserError

GOOD = {"id": "a", "question": "1 + 1?", "gold_label": "2", "response": "two"}
USER, ASSISTANT = {"role": "user", "content": "1 + 1?"}, {"role": "assistant", "content": "two"}
SYSTEM = {"role": "system", "content": "Be brief."}


def written(tmp_path, *records, name="x.jsonl"):
    (tmp_path / name).write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return str(tmp_path)


def refused(place, **settings):
    with pytest.raises(UserError) as caught:
        LocalQuestions(place, **settings).questions("train")
    return str(caught.value)


def read(place, **settings):
    """The prompts and the responses of the one strategy there is."""
    asked = LocalQuestions(place, **settings).questions("train")
    (strategy,) = strategies_in(folder=place).values()
    return [one.prompt for one in asked], LocalResponses(place, **settings).respond(strategy, asked)


@pytest.fixture(autouse=True)
def _log(caplog):
    caplog.set_level(logging.INFO)


@pytest.mark.parametrize(
    ("value", "text"), [(42, "42"), (42.0, "42"), (-1.5, "-1.5"), (0, "0"), (1e20, "1" + "0" * 20)]
)
@pytest.mark.parametrize("field", ["response", "gold_label", "id", "question"])
def test_a_number_where_a_text_is_due_is_its_text(field, value, text, tmp_path):
    place = written(tmp_path, GOOD | {field: value})
    (asked,) = LocalQuestions(place).questions("train")
    (answer,) = LocalResponses(place).respond(strategies_in(folder=place)["x"], [asked])
    assert text in (asked.prompt, asked.answer, asked.id, answer)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "text is wanted, this is the boolean true"),
        (["two"], "text is wanted, this is a list"),
        ({"text": "two"}, "text is wanted, this is a dict"),
        (math.inf, "text is wanted, this is the number inf"),
        ("\ud800", "it holds half of a character (a lone surrogate)"),
    ],
)
@pytest.mark.parametrize("field", ["question", "response", "gold_label", "id", "solution", "split", "strategy"])
def test_what_is_no_text_is_refused_by_file_line_and_field(field, value, said, tmp_path):
    assert f"x.jsonl, line 2, field `{field}`: {said}" in refused(
        written(tmp_path, GOOD, GOOD | {"id": "b", field: value})
    )


@pytest.mark.parametrize("empty", [None, math.nan, "", " \n\t"])
def test_an_empty_response_or_gold_answer_is_refused_and_never_becomes_a_word(empty, tmp_path):
    assert "line 1, field `response`: no response" in refused(written(tmp_path, GOOD | {"response": empty}))
    assert "line 1, field `gold_label`: no gold answer" in refused(written(tmp_path, GOOD | {"gold_label": empty}))
    assert "line 1, field `question`: neither a question nor an id" in refused(
        written(tmp_path, GOOD | {"question": empty, "id": empty})
    )


@pytest.mark.parametrize("empty", [None, math.nan, "", "  "])
def test_what_need_not_be_there_may_be_empty(empty, tmp_path):
    place = written(tmp_path, GOOD | {"id": empty, "solution": empty, "input": empty, "history": None, "system": empty})
    assert read(place) == (["1 + 1?"], ["two"])


@pytest.mark.parametrize("name", ["x.jsonl", "x.parquet"])
def test_a_column_of_whole_numbers_with_a_gap_reads_as_whole_numbers(name, tmp_path):
    def put(frame):
        frame.to_parquet(tmp_path / name) if name.endswith("parquet") else frame.to_json(
            tmp_path / name, orient="records", lines=True
        )

    written(tmp_path, *({"id": id_, "question": f"{id_}?", "gold_label": "2"} for id_ in "abc"), name="questions.jsonl")
    frame = pd.DataFrame({"id": ["a", "b", "c"], "response": [2, 42, None], "note": [None, None, None]})
    put(frame)
    assert f"{name}, line 3, field `response`: no response, or an empty one" in refused(str(tmp_path))
    put(frame[:2])
    assert frame["response"].dtype == float
    assert read(str(tmp_path)) == (["a?", "b?"], ["2", "42"])


CHATS = {
    "messages": {"messages": [SYSTEM, USER, ASSISTANT], "gold_label": "2"},
    "conversations": {
        "conversations": [{"from": "human", "value": "1 + 1?"}, {"from": "gpt", "value": "two"}],
        "system": "Be brief.",
        "gold_label": "2",
    },
    "alpaca": {"instruction": "1 + 1?", "output": "two", "system": "Be brief.", "gold_label": "2"},
    "prompt": {"prompt": [SYSTEM, USER], "completion": [ASSISTANT], "gold_label": "2"},
    "system_prompt": GOOD | {"system_prompt": "Be brief."},
}


@pytest.mark.parametrize("shape", CHATS)
def test_a_system_turn_is_refused_dropped_or_put_first_as_the_setting_says(shape, tmp_path, caplog):
    place = written(tmp_path, CHATS[shape])
    said = refused(place)
    assert "x.jsonl, line 1, field `" in said
    assert "a system turn ('Be brief.'), and a question is one text; benchmark.questions.system=prepend" in said
    assert read(place, system="drop") == (["1 + 1?"], ["two"])
    assert "x.jsonl: in 1 of 1 records a system turn left out (benchmark.questions.system=drop)" in caplog.text
    assert read(place, system="prepend") == (["Be brief.\n\n1 + 1?"], ["two"])
    assert "x.jsonl: in 1 of 1 records a system turn put before the question" in caplog.text


def test_turns_before_the_question_are_refused_or_dropped_as_the_setting_says(tmp_path, caplog):
    alpaca = {"instruction": "And 1 + 1?", "output": "two", "history": [["0 + 1?", "one"]], "gold_label": "2"}
    place = written(tmp_path, alpaca)
    assert "x.jsonl, line 1, field `history`: turns before the question" in refused(place)
    assert read(place, history="drop") == (["And 1 + 1?"], ["two"])
    assert (
        "x.jsonl: in 1 of 1 records turns before the question left out (benchmark.questions.history=drop)"
        in caplog.text
    )
    assert read(written(tmp_path, alpaca | {"history": []})) == (["And 1 + 1?"], ["two"])


@pytest.mark.parametrize("setting", ["system", "history"])
def test_a_setting_that_there_is_not_is_told_with_those_there_are(setting, tmp_path):
    assert f"benchmark.questions.{setting}=keep: there are refuse and drop" in refused(
        written(tmp_path, GOOD), **{setting: "keep"}
    )


BAD_TURNS = {
    "one question and one answer are wanted, turn 3 is another of the user": [USER, ASSISTANT, USER],
    "turn 2: the user speaks after the assistant": [ASSISTANT, USER],
    "turn 2: the system speaks after the user": [USER, SYSTEM, ASSISTANT],
    "turn 2: `role` is user, assistant or system, not 'tool'": [USER, {"role": "tool", "content": "x"}],
    "turn 2, `content`: the assistant says nothing": [USER, {"role": "assistant", "content": None, "tool_calls": [1]}],
    "turn 1, `content`: text is wanted, this is a list": [{"role": "user", "content": [{"type": "text", "text": "q"}]}],
    "a list of turns is wanted": "user: 1 + 1?",
}


@pytest.mark.parametrize("said", BAD_TURNS)
def test_turns_that_are_not_one_question_and_one_response_are_refused_by_their_place(said, tmp_path):
    assert f"field `messages`: {said}" in refused(written(tmp_path, {"messages": BAD_TURNS[said], "gold_label": "2"}))


def test_a_prompt_of_turns_holds_the_question_alone(tmp_path):
    record = {"prompt": [USER, ASSISTANT], "completion": [ASSISTANT], "gold_label": "2"}
    assert "field `prompt`: the turns of the question alone are wanted here" in refused(written(tmp_path, record))


def test_fields_that_are_not_read_are_counted_by_name(tmp_path, caplog):
    turn = ASSISTANT | {"reasoning_content": "hm", "tool_calls": None}
    place = written(
        tmp_path,
        GOOD | {"context": "Plums.", "difficulty": 3, "source": ""},
        GOOD | {"id": "b", "question": "2?", "context": "Pears.", "prompt": "2??"},
        {"messages": [USER | {"content": "3?"}, turn], "gold_label": "3", "tools": [{"name": "f"}]},
    )
    read(place)
    assert (
        "x.jsonl: not read: context (2), difficulty (1), prompt (1), tools (1), messages.reasoning_content (1)"
        in caplog.text
    )


def test_a_file_of_questions_says_that_its_responses_are_not_read(tmp_path, caplog):
    written(tmp_path, GOOD, name="train.jsonl")
    read(written(tmp_path, {"id": "a", "response": "two"}))
    assert "train.jsonl: not read: a response (a file of this name holds questions only) (1)" in caplog.text


@pytest.mark.parametrize("name", ["dev", "val", "valid", "validation", "Validation"])
def test_a_validation_file_is_no_strategy_whatever_it_is_called(name, tmp_path):
    written(tmp_path, {"question": "9?", "answer": "9"}, name=f"{name}.jsonl")
    place = written(tmp_path, GOOD)
    assert list(strategies_in(folder=place)) == ["x"]
    assert [one.answer for one in LocalQuestions(place).questions("validation")] == ["9"]


def test_files_that_are_passed_over_are_named(tmp_path, caplog):
    for name in ("notes.txt", "more.jsonl.gz"):
        (tmp_path / name).write_text("x")
    (tmp_path / "sub").mkdir()
    read(written(tmp_path, GOOD))
    said = "more.jsonl.gz (unpack it first); notes.txt; sub (a folder; data_dir takes one)"
    assert f"{tmp_path}: passed over: {said}" in caplog.text


def test_an_answer_beside_a_response_is_the_gold_one(tmp_path):
    place = written(tmp_path, {"question": "1 + 1?", "response": "It is two.", "answer": "2"})
    assert read(place) == (["1 + 1?"], ["It is two."])
    assert LocalQuestions(place).questions("train")[0].answer == "2"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"qeustion": "task"}, "benchmark.questions.fields: there is no qeustion; there are question, response"),
        ({"gold": "labell"}, "benchmark.questions.fields: no record has a field `labell`"),
    ],
)
def test_a_mapping_that_maps_nothing_is_refused(fields, said, tmp_path):
    assert said in refused(written(tmp_path, GOOD), fields=fields)


def test_a_field_that_a_mapping_replaces_is_named_as_not_read(tmp_path, caplog):
    place = written(tmp_path, GOOD | {"reply": "2!"})
    assert read(place, fields={"response": "reply"})[1] == ["2!"]
    assert "not read: response (1)" in caplog.text


DIFFERENT = {
    "options": (["w", "x"], ["w", "y"], "['w', 'y'] here, ['w', 'x'] in x.jsonl, line 1"),
    "solution": ("1 and 1", "2 - 0", "another one than in x.jsonl, line 1"),
    "split": ("train", "test", "a test question here, a train question in x.jsonl, line 1"),
}


@pytest.mark.parametrize("field", DIFFERENT)
def test_two_files_that_say_different_things_of_a_question_are_refused(field, tmp_path):
    one, other, said = DIFFERENT[field]
    written(tmp_path, GOOD | {field: one})
    assert f"y.jsonl, line 1, field `{field}`: {said}" in refused(
        written(tmp_path, GOOD | {field: other}, name="y.jsonl")
    )


def test_a_question_of_two_splits_is_refused(tmp_path):
    written(tmp_path, GOOD)
    place = written(tmp_path, {"question": "1 + 1?", "id": "a", "answer": "2"}, name="test.jsonl")
    assert "x.jsonl" not in refused(place)  # whose records name no split
    written(tmp_path, GOOD | {"split": "train"})
    assert "field `split`: a train question here, a test question in test.jsonl, line 1" in refused(place)


def test_what_one_file_leaves_open_another_may_say(tmp_path):
    written(tmp_path, GOOD)
    place = written(tmp_path, GOOD | {"solution": "1 and 1", "options": ["1", "2"]}, name="y.jsonl")
    (asked,) = LocalQuestions(place).questions("train")
    assert (asked.solution, asked.fields) == ("1 and 1", {"options": ["1", "2"]})


def test_the_parquet_of_a_data_set_with_class_labels_is_read_with_their_names(tmp_path):
    features = {"label": {"names": ["no", "maybe", "yes"], "_type": "ClassLabel"}, "question": {"dtype": "string"}}
    table = pa.Table.from_pylist([{"question": f"{n}?", "response": "r", "label": n} for n in (0, 2, -1)])
    told = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(told), tmp_path / "x.parquet")
    assert "x.parquet, line 3, field `gold_label`: no gold answer" in refused(str(tmp_path))
    pq.write_table(table[:2].replace_schema_metadata(told), tmp_path / "x.parquet")
    assert [one.answer for one in LocalQuestions(str(tmp_path)).questions("train")] == ["no", "yes"]
