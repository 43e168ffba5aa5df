"""The four kinds of files say the same, Chinese, line breaks, byte order marks and gaps, and name the right line."""

import csv
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sppl.data.contents import read_contents

ROWS = [
    {"id": "一", "question": "小明有三个苹果。\n他吃了几个？", "response": "两个，“对”。", "gold_label": "2"},
    {"id": "b", "question": 'line\r\nbreaks, "quotes"; commas', "response": "\u2028 ½ 😀 e\u0301", "gold_label": ""},
]
WRITERS = {
    "json": lambda rows: json.dumps(rows, ensure_ascii=False, indent=1),
    "jsonl": lambda rows: "\n".join(json.dumps(row, ensure_ascii=False) for row in rows),
    "csv": lambda rows: pd.DataFrame(rows).to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_ALL),
}


def records(path):
    contents = read_contents(path)
    assert not contents.problems
    return [record for _, record in contents.rows]


def problems(path):
    return [str(problem) for problem in read_contents(path).problems]


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_chinese_and_line_breaks_come_through_in_every_encoding(encoding, ending, tmp_path):
    path = tmp_path / f"x.{ending}"
    path.write_bytes(WRITERS[ending](ROWS).encode(encoding))
    assert records(path) == ROWS


@pytest.mark.parametrize("ending", WRITERS)
def test_line_ends_of_windows_between_records_change_nothing(ending, tmp_path):
    rows = [{key: value.replace("\r\n", " ").replace("\n", " ") for key, value in row.items()} for row in ROWS]
    path = tmp_path / f"x.{ending}"
    path.write_bytes(WRITERS[ending](rows).replace("\n", "\r\n").encode())
    assert records(path) == rows


def test_a_parquet_file_holds_the_same_and_a_column_of_nulls_is_null(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.Table.from_pylist([row | {"note": None, "part": {"a": None}} for row in ROWS]), path)
    assert records(path) == [row | {"note": None, "part": {"a": None}} for row in ROWS]
    pq.write_table(pa.table([["a"], ["b"]], names=["id", "id"]), path)
    assert problems(path) == ["x.parquet: it has several columns of the name id"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1), min_size=1, max_size=4
    ),
    ending=st.sampled_from([*WRITERS, "parquet"]),
)
def test_whatever_text_is_written_is_read(texts, ending, tmp_path):
    rows = [{"id": f"{place}", "response": text} for place, text in enumerate(texts)]
    path = tmp_path / f"x.{ending}"
    if ending == "parquet":
        pd.DataFrame(rows).to_parquet(path)
    else:
        path.write_bytes(WRITERS[ending](rows).encode())
    assert records(path) == rows


LAYOUTS = {
    "lines": lambda rows: "\n".join(map(json.dumps, rows)),
    "one after another": lambda rows: "".join(map(json.dumps, rows)),
    "indented": lambda rows: "\n".join(json.dumps(row, indent=2, ensure_ascii=False) for row in rows),
    "array": json.dumps,
    "indented array": lambda rows: json.dumps(rows, indent=4),
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4),
    layout=st.sampled_from([*LAYOUTS]),
    ending=st.sampled_from(["json", "jsonl", "ndjson"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_records_are_the_same_however_their_json_is_laid_out(texts, layout, ending, line_end, tmp_path):
    rows = [{"id": f"{place}", "response": text, "more": [{"a": place}]} for place, text in enumerate(texts)]
    path = tmp_path / f"x.{ending}"
    text = LAYOUTS[layout](rows).replace("\0", "")
    path.write_bytes(text.replace("\n", line_end).encode())
    assert records(path) == rows


def test_a_record_of_several_lines_is_named_by_its_first(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b'id,response\r\na,"one\r\ntwo"\r\n\r\nb,"three\r\nfour"\r\nc\r\nd,5,6\r\n')
    contents = read_contents(path)
    assert [line for line, _ in contents.rows] == [2, 5]
    fewer, more = problems(path)
    assert fewer == "x.csv, line 7: fewer values than the header's 2"
    assert more.startswith("x.csv, line 8: more values than the header's 2; a text with the mark that parts values")
    path.write_text('id,response\na,"never ends\n\n\n')
    assert problems(path) == ["x.csv, line 2: broken CSV: a double quote is opened and never closed"]
    path = tmp_path / "x.json"
    path.write_text('[\n {"id": "a",\n  "response": 1},\n {"id": "b"}\n]')
    assert [line for line, _ in read_contents(path).rows] == [2, 4]


@pytest.mark.parametrize(
    ("ending", "text"), [("jsonl", '{"id": 1}\n{"a": 1, "b": 2, "a": 3}'), ("json", '[{"a": 1, "b": 2, "a": 3}]')]
)
def test_a_field_that_a_record_has_twice_is_refused(ending, text, tmp_path):
    path = tmp_path / f"x.{ending}"
    path.write_text(text)
    assert len(problems(path)) == 1
    assert "the field 'a' is there twice" in problems(path)[0]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quote", ['"', ""])
def test_a_table_is_parted_by_what_parts_its_header(mark, quote, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(f"{quote}a{quote}{mark} b\n{quote}1{quote}{mark}2.5\n")
    assert records(path) == [{"a": "1", "b": "2.5"}]


def test_a_header_that_names_a_field_twice_is_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b,a\n1,2,3\n")
    assert "names 'a' twice" in problems(path)[0]
