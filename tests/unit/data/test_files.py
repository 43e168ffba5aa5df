import json
import logging

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sppl.data.files import LocalQuestions, LocalResponses, strategies_in
from sppl.schemas import UserError

ASKED = [{"id": "a", "question": "1 + 1?", "gold_label": "2"}, {"id": "b", "question": "2 + 2?", "gold_label": "4"}]


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def folder(tmp_path, **files):
    jsonl(tmp_path / "questions.jsonl", ASKED)
    for name, rows in files.items():
        jsonl(tmp_path / f"{name}.jsonl", rows)
    return str(tmp_path)


def responses(place, name="x"):
    return LocalResponses(place).respond(strategies_in(folder=place)[name], LocalQuestions(place).questions("train"))


def refusal(place, kind="text"):
    with pytest.raises(UserError) as caught:
        LocalQuestions(place, kind).questions("train")
    return str(caught.value)


FORMATS = {
    "question_answer": lambda q, r: {"question": q, "answer": r},
    "prompt_completion": lambda q, r: {"prompt": q, "completion": r},
    "trl_chat": lambda q, r: {
        "prompt": [{"role": "user", "content": q}],
        "completion": [{"role": "assistant", "content": r}],
    },
    "alpaca": lambda q, r: {"instruction": q, "input": "", "output": r},
    "teacher_output": lambda q, r: {"instruction": q, "teacher_output": r},
    "messages": lambda q, r: {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": r}]},
    "sharegpt": lambda q, r: {"conversations": [{"from": "human", "value": q}, {"from": "gpt", "value": r}]},
    "id_and_response": lambda q, r: {"id": {"1 + 1?": "a", "2 + 2?": "b"}[q], "response": r},
}


@pytest.mark.parametrize("shape", FORMATS)
def test_the_usual_formats_are_known_by_their_fields(shape, tmp_path):
    rows = [FORMATS[shape]("2 + 2?", "four"), FORMATS[shape]("1 + 1?", "two")]
    assert responses(folder(tmp_path, x=rows)) == ["two", "four"]


def test_other_field_names_are_mapped(tmp_path):
    place = folder(tmp_path, x=[{"nr": "a", "reply": "two"}, {"nr": "b", "reply": "four"}])
    source = LocalResponses(place, fields={"id": "nr", "response": "reply"})
    asked = LocalQuestions(place, fields={"id": "nr", "response": "reply"}).questions("train")
    assert source.respond(strategies_in(folder=place)["x"], asked) == ["two", "four"]
    assert "neither a question nor an id; the record has the fields 'nr, reply'" in refusal(place)


@pytest.mark.parametrize("ending", ["json", "csv", "parquet"])
def test_arrays_tables_and_parquet_are_read_like_lines(ending, tmp_path):
    place, rows = folder(tmp_path), [{"id": "a", "response": "two\nlines"}, {"id": "b", "response": "4, four"}]
    frame = pd.DataFrame(rows)
    write = {
        "json": lambda path: path.write_text(json.dumps(rows, indent=2)),
        "csv": lambda path: frame.to_csv(path, index=False),
        "parquet": frame.to_parquet,
    }[ending]
    write(tmp_path / f"x.{ending}")
    assert responses(place) == ["two\nlines", "4, four"]


def test_one_file_may_hold_all_strategies_in_a_column(tmp_path):
    rows = [{"strategy": s, "question": "1 + 1?", "response": s, "gold_label": "2"} for s in ("p", "q")]
    jsonl(tmp_path / "all.jsonl", rows)
    place = str(tmp_path / "all.jsonl")
    assert list(strategies_in(folder=place)) == ["p", "q"]
    assert responses(place, "q") == ["q"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_and_windows_line_ends_change_nothing(encoding, tmp_path):
    text = '{"id": "a", "response": "zwölf"}\r\n\r\n{"id": "b", "response": "x\u2028y"}\r\n'
    (tmp_path / "x.jsonl").write_bytes(text.encode(encoding))
    assert responses(folder(tmp_path)) == ["zwölf", "x\u2028y"]


def test_a_line_of_five_megabytes_is_a_line(tmp_path):
    long = "word " * 1_000_000
    assert responses(folder(tmp_path, x=[{"id": "a", "response": long}, {"id": "b", "response": "4"}]))[0] == long


def test_data_are_never_templates_or_code(tmp_path):
    text = "{question} ${oc.env:HOME} {{ 1 + 1 }} !!python/object %s"
    jsonl(tmp_path / "x.jsonl", [{"question": text, "response": text, "gold_label": text}])
    assert LocalQuestions(str(tmp_path)).questions("train")[0].prompt == text
    assert responses(str(tmp_path)) == [text]


def test_names_that_differ_only_in_capitals_are_refused_for_some_file_systems_do_not_tell_them_apart(tmp_path):
    place = folder(tmp_path, GPT=[{"id": "a", "response": "2"}], gpt=[{"id": "a", "response": "2"}], other=[])
    with pytest.raises(UserError, match=r"GPT, gpt\. Rename one of them"):
        strategies_in(folder=place)


def test_the_id_of_a_question_is_its_own_or_a_digest_never_its_place(tmp_path):
    rows = [{"question": q, "response": "r", "gold_label": "1"} for q in ("first", "second")]
    jsonl(tmp_path / "x.jsonl", rows)
    before = {q.prompt: q.id for q in LocalQuestions(str(tmp_path)).questions("train")}
    jsonl(tmp_path / "x.jsonl", rows[::-1])
    assert {q.prompt: q.id for q in LocalQuestions(str(tmp_path)).questions("train")} == before


def test_strategies_are_compared_on_the_questions_all_of_them_answer_and_the_rest_is_named(tmp_path, caplog):
    both = [{"id": "a", "response": "2"}, {"id": "b", "response": "4"}]
    with caplog.at_level(logging.WARNING):
        found = LocalQuestions(folder(tmp_path, x=both, y=both[:1])).questions("train")
    assert [question.id for question in found] == ["a"]
    assert "1 of 2 training questions have a response of every strategy (x 2, y 1); left out: b" in caplog.text


def test_every_problem_of_every_file_is_in_one_report(tmp_path):
    place = folder(tmp_path, y=[{"id": "zzz", "response": "?"}])
    lines = ['{"id": "a", "response": " "}', '{"id": "b" "response"}', '{"id": "a", "response": ["x"]}', "[1]"]
    (tmp_path / "x.jsonl").write_text(
        "\n".join([*lines, '{"id": "b", "response": "1"}', '{"id": "b", "response": "2"}'])
    )
    said = refusal(place)
    assert "6 problems in 2 data files, nothing was read" in said
    for part in (
        "x.jsonl, line 1, field `response`: no response, or an empty one",
        "x.jsonl, line 2, column 12: broken JSON",
        "x.jsonl, line 3, field `response`: text is wanted, this is a list",
        "x.jsonl, line 4: a record is an object",
        "x.jsonl, line 6, field `id`: 'b' is there already, on line 5, with another response",
        "y.jsonl, line 1, field `id`: no question has the id 'zzz'",
    ):
        assert part in said


REFUSED = {
    "no gold answer": [{"question": "q", "response": "r"}],
    "no number": [{"question": "q", "response": "r", "gold_label": "many"}],
    "one question and one answer": [{"messages": [{"role": "user", "content": "q"}] * 2}],
    "a list of strings": [{"question": "q", "response": "r", "gold_label": "1", "options": "1, 2"}],
    "lone surrogate": [{"question": "\ud800", "response": "r", "gold_label": "1"}],
    "neither a question nor an id": [{"task": "q", "response": "r", "gold_label": "1"}],
    "benchmark.questions.fields": [{"question": "q", "reply": "r", "gold_label": "1"}],
}


@pytest.mark.parametrize("said", REFUSED)
def test_a_record_that_will_not_do_is_refused_with_the_reason(said, tmp_path):
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in REFUSED[said]))
    assert said in refusal(str(tmp_path), "number")


def test_names_that_cannot_name_an_artifact_are_refused(tmp_path):
    assert "its name becomes a strategy's" in refusal(
        folder(tmp_path, **{"my answers": [{"id": "a", "response": "2"}]})
    )
    jsonl(tmp_path / "all.jsonl", [{"strategy": "p", "question": "q", "response": "r", "gold_label": "1"}])
    with pytest.raises(UserError, match="has p"):
        strategies_in(folder=str(tmp_path / "all.jsonl"), only=["../x"])


def test_a_missing_folder_or_split_says_what_to_do(tmp_path):
    assert "data_dir=FOLDER" in refusal(None)
    assert "no such folder" in refusal(str(tmp_path / "nowhere"))
    assert "no data file" in refusal(str(tmp_path))
    place = folder(tmp_path, x=[{"id": "a", "response": "2"}])
    with pytest.raises(UserError, match=r"put them into test\.jsonl"):
        LocalQuestions(place).questions("test")


GOOD = json.dumps({"id": "a", "question": "1 + 1?", "response": "2", "gold_label": "2"})


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "parquet"])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(min_size=1, max_size=60), at=st.integers(0, len(GOOD)), cut=st.booleans())
def test_whatever_bytes_a_file_holds_it_is_read_or_refused_by_name(ending, junk, at, cut, tmp_path):
    raw = GOOD.encode()
    (tmp_path / f"x.{ending}").write_bytes(raw[:at] + junk + (b"" if cut else raw[at:]))
    found, said = [], f"x.{ending}"
    try:
        found = LocalQuestions(str(tmp_path)).questions("train")
    except UserError as error:
        said = str(error)
    assert all(question.prompt and question.answer for question in found)
    assert f"x.{ending}" in said
