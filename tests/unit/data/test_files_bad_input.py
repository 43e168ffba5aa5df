"""Everything that can be wrong with a user's files: each is refused or handled as stated, nothing is dropped."""

import json
import logging

import pytest

from sppl.data.files import LocalQuestions, LocalResponses, strategies_in
from sppl.data.problems import Problem, refuse_problems
from sppl.schemas import UserError

GOOD = {"id": "a", "question": "1 + 1?", "gold_label": "2", "response": "two"}


def written(tmp_path, *lines, name="x.jsonl", encoding="utf-8"):
    """A folder with one file of these lines: records, or text as it is."""
    text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    (tmp_path / name).write_bytes(text.encode(encoding))
    return str(tmp_path)


def refused(place, kind="text"):
    with pytest.raises(UserError) as caught:
        LocalQuestions(place, kind).questions("train")
    return str(caught.value)


def answers(place):
    (name,) = strategies_in(folder=place)
    found = LocalQuestions(place).questions("train")
    return LocalResponses(place).respond(strategies_in(folder=place)[name], found)


def test_a_broken_line_of_json_is_named_by_file_line_and_column(tmp_path):
    assert "x.jsonl, line 2, column 12: broken JSON" in refused(written(tmp_path, GOOD, '{"id": "b" "question"}'))


@pytest.mark.parametrize(("field", "said"), [("gold_label", "no gold answer"), ("response", "no response")])
def test_a_missing_field_is_named_with_those_that_are_there(field, said, tmp_path):
    bad = {key: value for key, value in GOOD.items() if key != field}
    place = written(tmp_path, bad)
    assert f"x.jsonl, line 1, field `{field}`: {said}" in refused(place)


@pytest.mark.parametrize("value", [["two"], {"text": "two"}])
@pytest.mark.parametrize("field", ["question", "response", "gold_label", "id"])
def test_a_field_of_another_type_is_named_with_its_type(field, value, tmp_path):
    said = refused(written(tmp_path, GOOD | {field: value}))
    assert f"x.jsonl, line 1, field `{field}`: text is wanted, this is a {type(value).__name__}" in said


def test_another_response_to_the_same_question_is_named_with_both_lines(tmp_path):
    second = GOOD | {"response": "2"}
    assert "line 3, field `id`: 'a' is there already, on line 1, with another response" in refused(
        written(tmp_path, GOOD, GOOD | {"id": "b", "question": "2?"}, second)
    )


def test_one_id_for_two_questions_is_refused(tmp_path):
    written(tmp_path, GOOD)
    place = written(tmp_path, GOOD | {"question": "something else?"}, name="y.jsonl")
    assert "y.jsonl, line 1, field `question`: id 'a' asks something else in x.jsonl, line 1" in refused(place)


def test_two_gold_answers_to_one_question_are_refused(tmp_path):
    written(tmp_path, GOOD)
    place = written(tmp_path, GOOD | {"gold_label": "3"}, name="y.jsonl")
    assert "y.jsonl, line 1, field `gold_label`: '3' here, '2' in x.jsonl, line 1" in refused(place)


@pytest.mark.parametrize("empty", ["", "  \n\t", None])
def test_an_empty_answer_is_refused_not_dropped(empty, tmp_path):
    said = refused(written(tmp_path, GOOD, GOOD | {"id": "b", "question": "2?", "response": empty}))
    assert "x.jsonl, line 2, field `response`: no response, or an empty one" in said


@pytest.mark.parametrize("absent", ["", None])
def test_an_absent_gold_label_is_refused(absent, tmp_path):
    assert "line 1, field `gold_label`: no gold answer" in refused(written(tmp_path, GOOD | {"gold_label": absent}))


def test_a_file_of_mixed_encodings_is_named_at_the_first_byte_that_does_not_fit(tmp_path):
    good, bad = json.dumps(GOOD | {"response": "zwölf"}, ensure_ascii=False), '{"id": "b", "question": "zwölf?"}'
    (tmp_path / "x.jsonl").write_bytes(good.encode("utf-8") + b"\n" + bad.encode("latin-1"))
    assert "x.jsonl, line 2, column 28: byte 0xf6 is not utf-8; save it as UTF-8" in refused(str(tmp_path))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_first_field(encoding, tmp_path):
    assert answers(written(tmp_path, GOOD, encoding=encoding)) == ["two"]


def test_windows_line_ends_are_no_part_of_an_answer(tmp_path):
    text = json.dumps(GOOD) + "\r\n\r\n" + json.dumps(GOOD | {"id": "b", "question": "2?", "response": "4"}) + "\r\n"
    (tmp_path / "x.jsonl").write_bytes(text.encode())
    assert answers(str(tmp_path)) == ["two", "4"]
    (tmp_path / "x.jsonl").unlink()
    (tmp_path / "x.csv").write_bytes(b"id,question,gold_label,response\r\na,1 + 1?,2,two\r\n")
    assert answers(str(tmp_path)) == ["two"]


def test_a_line_of_five_megabytes_is_read_whole(tmp_path):
    long = "x" * 5_000_000
    assert answers(written(tmp_path, GOOD | {"response": long})) == [long]


def test_fields_named_otherwise_are_told_with_how_to_map_them_and_mapping_reads_them(tmp_path):
    place = written(tmp_path, {"nr": "a", "task": "1 + 1?", "label": "2", "reply": "two"})
    said = refused(place)
    assert "the record has the fields 'nr, task, label, reply'" in said
    assert "benchmark.questions.fields={question: task, response: reply, gold: label}" in said
    fields = {"id": "nr", "question": "task", "response": "reply"}
    found = LocalQuestions(place, fields=fields).questions("train")
    assert [(one.id, one.prompt, one.answer) for one in found] == [("a", "1 + 1?", "2")]


@pytest.mark.parametrize("name", ["my answers", "-x", "a:b", "ä ö"])
def test_a_file_whose_name_cannot_name_a_strategy_is_refused(name, tmp_path):
    assert f"{name}.jsonl: its name becomes a strategy's" in refused(written(tmp_path, GOOD, name=f"{name}.jsonl"))


@pytest.mark.parametrize("name", ["../../evil", "a/b", "..", "two words", "", "${oc.env:HOME}", "x\n"])
def test_a_strategy_column_never_becomes_a_path(name, tmp_path):
    place = written(tmp_path, GOOD | {"strategy": name})
    if name:
        assert "field `strategy`" in refused(place)
    else:
        assert list(strategies_in(folder=place)) == ["x"]


@pytest.mark.parametrize("id_", ["../../evil", "a b", "{question}", "${n_train}", "!!python/object"])
def test_an_id_is_data_whatever_it_looks_like(id_, tmp_path):
    assert LocalQuestions(written(tmp_path, GOOD | {"id": id_})).questions("train")[0].id == id_


TRICKY = [
    "{question}",
    "{answer} {0} %s %(x)d",
    "${oc.env:HOME}",
    "{{ 7 * 7 }}",
    "- a: &b [*b]",
    "!!python/object:os.x",
]


@pytest.mark.parametrize("text", TRICKY)
def test_data_that_look_like_templates_or_yaml_are_shown_as_they_are(text, tmp_path):
    place = written(tmp_path, GOOD | {"question": text, "gold_label": text, "response": text})
    found = LocalQuestions(place).questions("train")[0]
    assert (found.prompt, found.answer) == (text, text)
    assert answers(place) == [text]


def test_what_is_wrong_the_same_way_many_times_is_one_line_with_the_first_places(tmp_path):
    bad = [GOOD | {"id": f"{n}", "question": f"{n}?", "response": ""} for n in range(70)]
    said = refused(written(tmp_path, *bad))
    assert said.startswith("1 problem in 1 data file, nothing was read:")
    assert "(1) x.jsonl, line 1, field `response`: no response" in said
    assert "(70 times; also on line 2, 3, 4, ...)" in said
    assert "(2)" not in said


def test_a_cause_in_several_files_is_one_line_whatever_its_values_are(tmp_path):
    for name, n in (("x", 7), ("y", 30)):
        rows = [GOOD | {"id": f"{name}{k}", "question": f"{k}{name}?", "system": f"Be {k} brief."} for k in range(n)]
        place = written(tmp_path, *rows, name=f"{name}.jsonl")
    said = refused(place)
    assert said.startswith("1 problem in 2 data files, nothing was read:")
    assert "(1) x.jsonl, line 1, field `system`: a system turn ('Be 0 brief.'), and a question is one text" in said
    assert "(37 times; also on line 2, 3, 4, ...; 30 in y.jsonl from line 1)" in said
    assert len(max(said.splitlines(), key=len)) < 400


def test_all_causes_of_all_files_are_in_one_report_and_what_is_left_out_is_counted(tmp_path):
    letters = "abcdefghijklmnopqrstuvwxyz"
    known = [Problem("x.jsonl", f"cause {one}", line=n) for n, one in enumerate(letters, start=1)]
    with pytest.raises(UserError, match=r"26 problems in 1 data file(.|\n)*\(20\) x.jsonl, line 20: cause t\n") as many:
        refuse_problems(known)
    assert str(many.value).endswith("(and 6 more of 26)")


def test_a_question_that_not_every_strategy_answers_is_left_out_by_name(tmp_path, caplog):
    written(tmp_path, GOOD, GOOD | {"id": "b", "question": "2?"})
    with caplog.at_level(logging.WARNING):
        found = LocalQuestions(written(tmp_path, GOOD, name="y.jsonl")).questions("train")
    assert [one.id for one in found] == ["a"]
    assert "left out: b" in caplog.text
