"""Files as people have them: each is read right, or refused with one clear sentence and the store untouched."""
# ruff: noqa: E501 (a file is a line of the table)

import gzip
import io
import json
import re
import zipfile

import pandas as pd
import pytest

from sppl.data.files import LocalQuestions, LocalResponses, strategies_in
from sppl.schemas import UserError

pytestmark = pytest.mark.filterwarnings("default")
ASKED = [("1 + 1?", "zwölf", "2"), ("二加二？", "四", "4")]
ROWS = [{"question": question, "response": said, "gold": gold} for question, said, gold in ASKED]
LINES = [json.dumps(row, ensure_ascii=False) for row in ROWS]
TABLE = ["question,response,gold", *(",".join(row) for row in ASKED)]
GERMAN = LINES[0]


def lines(*rows: str, end: str = "\n") -> bytes:
    return "".join(row + end for row in rows).encode()


def table(mark: str, end: str = "\n") -> bytes:
    return end.join(row.replace(",", mark) for row in TABLE).encode()


def excel() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return made.getvalue()


def parquet(frame: pd.DataFrame) -> bytes:
    made = io.BytesIO()
    frame.to_parquet(made)
    return made.getvalue()


READ = {
    "lines with a byte order mark": ("x.jsonl", b"\xef\xbb\xbf" + lines(*LINES)),
    "lines that end as on Windows": ("x.jsonl", lines(*LINES, end="\r\n")),
    "lines that end as on an old Mac": ("x.jsonl", lines(*LINES, end="\r")),
    "blank lines between": ("x.jsonl", lines(LINES[0], "", "   ", LINES[1])),
    "no line end at the end": ("x.jsonl", "\n".join(LINES).encode()),
    "UTF-16 that says so": ("x.jsonl", "\n".join(LINES).encode("utf-16")),
    "UTF-32 that says so": ("x.jsonl", "\n".join(LINES).encode("utf-32")),
    "escapes in place of letters": ("x.jsonl", "\n".join(map(json.dumps, ROWS)).encode()),
    "two records in one line": ("x.jsonl", lines(" ".join(LINES))),
    "records over several lines": ("x.jsonl", "\n".join(json.dumps(row, indent=2) for row in ROWS).encode()),
    "an array named .jsonl": ("x.jsonl", json.dumps(ROWS).encode()),
    "an indented array named .jsonl": ("x.jsonl", json.dumps(ROWS, indent=1).encode()),
    "an array": ("x.json", json.dumps(ROWS, indent=4).encode()),
    "lines named .json": ("x.json", lines(*LINES)),
    "records one after another named .json": ("x.json", "".join(json.dumps(row) for row in ROWS).encode()),
    "lines named .ndjson": ("x.ndjson", lines(*LINES)),
    "an ending in capitals": ("x.JSONL", lines(*LINES)),
    "NaN in a field that need not be there": ("x.jsonl", lines(*(one[:-1] + ', "id": NaN}' for one in LINES))),
    "the same record twice": ("x.jsonl", lines(*LINES, LINES[0])),
    "a table": ("x.csv", table(",")),
    "a table of Windows": ("x.csv", table(",", end="\r\n")),
    "a table with a byte order mark": ("x.csv", b"\xef\xbb\xbf" + table(",")),
    "semicolons": ("x.csv", table(";")),
    "tabs in a .csv": ("x.csv", table("\t")),
    "tabs in a .tsv": ("x.tsv", table("\t")),
    "bars": ("x.csv", table("|")),
    "everything in quotes": ("x.csv", "\n".join(",".join(f'"{v}"' for v in row.split(",")) for row in TABLE).encode()),
    "quotes and semicolons": ("x.csv", "\n".join(";".join(f'"{v}"' for v in r.split(",")) for r in TABLE).encode()),
    "a space behind the commas of the header": ("x.csv", table(",").replace(b"question,", b"question , ")),
    "an index column without a name": ("x.csv", "\n".join(f"{n},{row}" for n, row in zip(["", 0, 1], TABLE, strict=True)).encode()),
    "a table in UTF-16": ("x.csv", table("\t").decode().encode("utf-16")),
    "a parquet file": ("x.parquet", parquet(pd.DataFrame(ROWS))),
    "messages": ("x.jsonl", lines(*(json.dumps({"messages": [
        {"role": "user", "content": q}, {"role": "assistant", "content": r}], "label": g}) for q, r, g in ASKED))),
    "one object": ("x.json", json.dumps(ROWS[0]).encode()),
}  # fmt: skip
"""What is read right: the file and its content, always the records of `ROWS`, of the last the first alone."""

WIDE = "it seems to be UTF-16LE without a byte order mark; save it as UTF-8: iconv -f UTF-16LE -t UTF-8"
FIRST = re.escape("byte 0xf6 is not utf-8; save it as UTF-8 (it reads ")
REFUSED = {
    "Latin-1": ("x.jsonl", GERMAN.encode("latin-1"), FIRST + r".*zwölf.* as cp1252"),
    "Windows-1252 in a table": ("x.csv", table(",").decode().replace("二加二？", "3").replace("四", "€").encode("cp1252"), FIRST),
    "GB18030": ("x.jsonl", LINES[1].encode("gb18030"), r"byte 0x\w+ is not utf-8; save it as UTF-8 \(it reads .*二加二.* as gb18030"),
    "Big5": ("x.jsonl", LINES[1].encode("big5"), r"byte 0x\w+ is not utf-8; .*二加二.* as big5"),
    "Shift JIS": ("x.jsonl", GERMAN.replace("zwölf", "これは").encode("shift_jis"), r"byte 0x\w+ is not utf-8; .*これは.* as shift_jis"),
    "one line of Latin-1 among UTF-8": ("x.jsonl", LINES[1].encode() + b"\n" + GERMAN.encode("latin-1"), "line 2, .* other lines are UTF-8, so mend this one by hand"),
    "UTF-16 that does not say so": ("x.jsonl", GERMAN.encode("utf-16-le"), WIDE),
    "UTF-16 turned round": ("x.csv", "question,response\n1?,2\n".encode("utf-16-be"), "it seems to be UTF-16BE"),
    "half of UTF-16": ("x.jsonl", GERMAN.encode("utf-16")[:-1], "is not utf-16"),
    "a NUL in a text": ("x.jsonl", GERMAN.encode().replace(b"zw", b"z\0w"), "line 1: a NUL character, which no text has"),
    "zeros only": ("x.jsonl", bytes(4096), "NUL character|without a byte order mark"),
    "an Excel file named .csv": ("x.csv", excel(), "an Excel file or another zip archive; save the sheet as CSV UTF-8"),
    "an old Excel file named .csv": ("x.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "an old Excel or Word file"),
    "gzip named .jsonl": ("x.jsonl", gzip.compress(lines(*LINES)), r"packed by gzip; unpack it first \(gunzip\)"),
    "half of gzip": ("x.jsonl", gzip.compress(lines(*LINES))[:20], "packed by gzip"),
    "parquet named .csv": ("x.csv", parquet(pd.DataFrame(ROWS)), "a parquet file; name it .parquet"),
    "a table named .parquet": ("x.parquet", table(","), "x.parquet: not a parquet file: "),
    "half of a parquet file": ("x.parquet", parquet(pd.DataFrame(ROWS))[:-40], "x.parquet: not a parquet file: "),
    "a web page": ("x.jsonl", b"<!DOCTYPE html><html><body>404</body></html>", "a web page or XML, not the data themselves"),
    "a pointer of Git LFS": ("x.jsonl", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
    "an empty file": ("x.jsonl", b"", "x.jsonl: the file is empty"),
    "white space only": ("x.jsonl", b" \n\n", "x.jsonl: the file holds no record"),
    "an empty array": ("x.json", b"[]", "x.json: the file holds no record"),
    "a header only": ("x.csv", b"question,response,gold\n", "x.csv, line 1: a header and no record: 'question, response, gold'"),
    "a table named .jsonl": ("x.jsonl", table(","), "no JSON: it begins with 'question,response,gold'; a table with a header is named .csv"),
    "lines named .csv": ("x.csv", lines(*LINES), "JSON in a table's file; name it .jsonl or .json"),
    "a comma too many in an array": ("x.json", json.dumps(ROWS)[:-1].encode() + b",]", "broken JSON: a comma too many before `]`"),
    "a comma too many in an object": ("x.jsonl", lines(GERMAN[:-1] + ",}"), "line 1, column .*broken JSON: a comma too many before `}`"),
    "a comma behind a record": ("x.jsonl", lines(*(one + "," for one in LINES)), r"a comma after the record; lines have none \(2 times; also on line 2\)"),
    "single quotes": ("x.jsonl", lines(str(ROWS[0])), r"broken JSON: single quotes; JSON has double ones \(Python: json.dumps"),
    "a list of Python in a .json": ("x.json", str(ROWS).encode(), "broken JSON: single quotes"),
    "a word of Python": ("x.jsonl", lines(GERMAN[:-1] + ', "id": None}'), "broken JSON: a word of Python; JSON has null, true and false"),
    "typographic quotes": ("x.jsonl", lines(GERMAN.replace('"question"', "“question”")), "broken JSON: typographic quotes"),
    "a comment": ("x.json", b'[\n// mine\n{"question": "1?"}]', "line 2, column 1: broken JSON: a comment"),
    "names without quotes": ("x.jsonl", b'{question: "1?"}', "broken JSON: the name of a field without double quotes"),
    "a line break in a text": ("x.jsonl", lines(GERMAN.replace("zwölf", "zw\nölf")), "broken JSON: a (text is not closed|line break or tab inside a text)"),
    "a tab in a text": ("x.jsonl", lines(GERMAN.replace("zwölf", "zw\tölf")), "broken JSON: a line break or tab inside a text"),
    "LaTeX with single backslashes": ("x.jsonl", lines(GERMAN.replace("zwölf", "\\sqrt{4}")), "broken JSON: a backslash that escapes nothing"),
    "a quote in a text": ("x.jsonl", lines(GERMAN.replace("zwölf", 'so "2"')), "broken JSON: .*a quote inside a text is not escaped"),
    "half of a line": ("x.jsonl", lines(LINES[0], LINES[1][:30]), "line 2, .*broken JSON: .*cut off"),
    "half of an array": ("x.json", json.dumps(ROWS)[:-1].encode(), "the array is never closed; was the file cut off"),
    "half of an indented record": ("x.jsonl", json.dumps(ROWS[0], indent=2)[:-2].encode(), "broken JSON: it ends in the middle of a record"),
    "something behind an array": ("x.json", json.dumps(ROWS).encode() + b"]", "something follows the array"),
    "records inside an object": ("x.json", json.dumps({"version": 1, "data": ROWS}).encode(), "one object whose field 'data' has the records; write that list alone"),
    "records under their ids": ("x.json", json.dumps({"a": ROWS[0], "b": ROWS[1]}).encode(), "one object of objects; write a list of records"),
    "a table by columns": ("x.json", json.dumps({"question": ["1?"], "response": ["2"]}).encode(), "a table by columns; write it by rows"),
    "a table by columns as pandas writes it": ("x.json", json.dumps({"question": {"0": "1?"}, "response": {"0": "2"}}).encode(), "a table by columns; write it by rows"),
    "lists in place of records": ("x.jsonl", lines(LINES[0], '["1?", "2"]'), "line 2: a record is an object {...}, this is"),
    "a field twice": ("x.jsonl", b'{"question": "1?", "question": "2?"}', "the field 'question' is there twice"),
    "a column twice": ("x.csv", b"question,question\n1,2\n", "the header names 'question' twice"),
    "names in other letters": ("x.jsonl", b'{"Question": "1?", "Response": "2", "gold": "2"}', "names count as they are written: 'Question', 'Response'"),
    "names of one's own": ("x.jsonl", b'{"task": "1?", "reply": "2"}', "neither a question nor an id; the record has the fields 'task, reply'"),
    "Infinity": ("x.jsonl", lines(GERMAN.replace('"zwölf"', "Infinity")), "text is wanted, this is the number inf"),
    "NaN for a response": ("x.jsonl", lines(GERMAN.replace('"zwölf"', "NaN"), LINES[1]), "field `response`: no response, or an empty one"),
    "a list for a response": ("x.jsonl", lines(GERMAN.replace('"zwölf"', '["a"]')), "field `response`: text is wanted, this is a list"),
    "half of a character": ("x.jsonl", lines(GERMAN.replace("zwölf", "\\ud83d")), "half of a character"),
    "a number without end": ("x.jsonl", b'{"question": ' + b"9" * 6000 + b"}", "JSON that cannot be read"),
    "brackets without end": ("x.jsonl", b'{"question": ' + b"[" * 100_000, "JSON that cannot be read|broken JSON"),
    "an open quote in a table": ("x.csv", b'question,response\n"1?,2\n', "line 2: broken CSV: a double quote is opened and never closed"),
    "a comma that is not in quotes": ("x.csv", b"question,response\n1, 2?,3\n", "line 2: more values than the header's 2; a text with the mark"),
    "too few values": ("x.csv", b"question,response\n1?\n", "line 2: fewer values than the header's 2"),
    "another response to the question": ("x.jsonl", lines(*LINES, GERMAN.replace("zwölf", "elf")), "is there already, on line 1, with another response"),
    "a key": ("x.jsonl", lines(GERMAN.replace("zwölf", "sk-proj-" + "a1" * 20)), "it holds what looks like a key"),
    "a name that is none": ("my answers.jsonl", lines(*LINES), "its name becomes a strategy's"),
    "an ending that is not read": ("x.txt", lines(*LINES), "has no data file .*; it has x.txt"),
    "an Excel file alone": ("x.xlsx", excel(), r"has no data file .*; it has x.xlsx \(save it as CSV UTF-8 first\)"),
    "packed lines alone": ("x.jsonl.gz", gzip.compress(lines(*LINES)), r"it has x.jsonl.gz \(unpack it first\)"),
}  # fmt: skip
"""What is refused: the file, its content, and what the one answer says."""


def put(folder, name, raw):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(raw)
    return str(folder)


def test_there_are_as_many_kinds_as_were_promised():
    assert len(READ) + len(REFUSED) >= 95
    assert len({*READ.values(), *((name, raw) for name, raw, _ in REFUSED.values())}) == len(READ) + len(REFUSED)


@pytest.mark.parametrize("kind", READ)
def test_it_is_read_right(kind, tmp_path):
    name, raw = READ[kind]
    place = put(tmp_path / "data", name, raw)
    found = LocalQuestions(place).questions("train")
    (strategy,) = strategies_in(folder=place).values()
    said = LocalResponses(place).respond(strategy, found)
    wanted = ASKED[:1] if kind == "one object" else ASKED
    assert [(one.prompt, text, one.answer) for one, text in zip(found, said, strict=True)] == wanted


@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_by_one_clear_sentence(kind, tmp_path):
    name, raw, said = REFUSED[kind]
    with pytest.raises(UserError) as caught:
        LocalQuestions(put(tmp_path / "data", name, raw)).questions("train")
    text = str(caught.value)
    assert len(re.findall(said, text)) == 1, text
    assert "(2) " not in text
    assert max(map(len, text.splitlines())) < 400 + len(str(tmp_path))


def by_command() -> list:
    """Every fifth kind; all of them take minutes."""
    return [kind if at % 5 == 0 else pytest.param(kind, marks=pytest.mark.slow) for at, kind in enumerate(REFUSED)]


@pytest.mark.parametrize("kind", by_command())
def test_the_command_says_it_once_and_leaves_the_store_untouched(kind, run_py, tmp_path):
    name, raw, said = REFUSED[kind]
    place = put(tmp_path / "data", name, raw)
    done = run_py("stage=[generate]", "benchmark=local", f"data_dir={place}", "n_score=1", store=tmp_path / "store")
    assert done.code == 1
    assert "Traceback" not in done.out
    assert len(re.findall(said, done.out)) == 1, done.out
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


def test_a_folder_of_many_kinds_says_what_is_not_read(tmp_path, caplog):
    place = put(tmp_path / "data", "x.jsonl", lines(*LINES))
    for name in ("a.xlsx", "notes.docx", "b.jsonl.gz", "c.jsonl.bak"):
        put(tmp_path / "data", name, b"x")
    (tmp_path / "data" / "more.jsonl").mkdir()
    caplog.set_level("INFO")
    assert len(LocalQuestions(place).questions("train")) == 2
    assert (
        "passed over: a.xlsx (save it as CSV UTF-8 first); b.jsonl.gz (unpack it first); c.jsonl.bak; "
        "more.jsonl (a folder; data_dir takes one); notes.docx" in caplog.text
    )
