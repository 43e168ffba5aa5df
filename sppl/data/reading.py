"""Records of a local file: a JSON array, JSON lines, CSV or parquet, each with the line it begins on."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sppl.artifacts.provenance import more_than_memory
from sppl.data.class_labels import class_names, with_names
from sppl.data.problems import Problem, names, shorten
from sppl.keys import KEY, keys_of_environment
from sppl.schemas import UserError

Record = dict[str, Any]

csv.field_size_limit(1 << 28)  # the default refuses an answer of more than 128 KB


@dataclass(frozen=True)
class Contents:
    """What a file holds: the good records with their line (1-based; a parquet row's number), and what is wrong."""

    path: Path
    rows: tuple[tuple[int, Record], ...]
    problems: tuple[Problem, ...]
    form: str = ""
    """What kind of file it is, in words."""


def read(path: Path) -> Contents:
    """The records of a file, in its order.

    UTF-8 with or without a byte order mark, UTF-16 with one; line ends of any system; blank lines are skipped.

    Raises:
        UserError: the file is missing, or its ending names no format that is known.
    """
    if not path.is_file():
        beside = names(path.parent.iterdir()) if path.parent.is_dir() else "no such folder"
        raise UserError(f"{path} is not there; in {path.parent}: {beside}")
    if path.suffix.lower() not in READERS:
        raise UserError(f"{path}: the format of `{path.suffix}` is not known; use {', '.join(READERS)}")
    state = path.stat()
    return _read(path, (state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=64)
def _read(path: Path, _changed: tuple[int, int]) -> Contents:  # a changed file is another entry of the cache
    rows: list[tuple[int, Record]] = []
    problems: list[Problem] = []
    for item in READERS[path.suffix.lower()](path):
        problems.append(item) if isinstance(item, Problem) else rows.append(item)
    problems += _keys_in(path.name, rows)
    if not rows and not problems:
        problems.append(Problem(path.name, "the file holds no record"))
    return Contents(path, tuple(rows), tuple(problems), FORMS[path.suffix.lower()])


def _keys_in(name: str, rows: Iterable[tuple[int, Record]]) -> Iterator[Problem]:
    """A problem per value that looks like somebody's key: what is read is written to disk, sent out and trained on."""
    known = keys_of_environment()
    for line, record in rows:
        for field, value in record.items():
            text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
            if KEY.search(text) or KEY.search(field) or any(key in text for key in known):
                what = "it holds what looks like a key; write something else in its place, and revoke it if it is one"
                yield Problem(name, what, line, field=field)


Item = tuple[int, Record] | Problem


def _text(path: Path) -> str | Problem:
    raw = path.read_bytes()
    utf16 = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return raw.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        return Problem(
            path.name, f"byte {raw[error.start]:#04x} is not {error.encoding}; save it as UTF-8", line, column
        )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # the standard library keeps the last one and says nothing
        names = [name for name, _ in pairs]
        raise ValueError(f"the field {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found


DECODER = json.JSONDecoder(object_pairs_hook=_object)


def _json_lines(path: Path) -> Iterator[Item]:
    text = _text(path)
    if isinstance(text, Problem):
        yield text
        return
    for number, line in enumerate(text.split("\n"), start=1):  # not splitlines: U+2028 may stand inside a string
        if not line.strip():
            continue
        try:
            yield _record(path, number, DECODER.decode(line))
        except json.JSONDecodeError as error:
            yield Problem(path.name, f"broken JSON: {error.msg}", number, error.colno)
        except (RecursionError, ValueError) as error:
            yield Problem(path.name, f"JSON that cannot be read: {error}", number)


def _json_array(path: Path) -> Iterator[Item]:
    text = _text(path)
    if isinstance(text, Problem):
        yield text
        return
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        what = "a .json file holds one array of records, [{...}, ...]; one record per line belongs into a .jsonl file"
        yield Problem(path.name, what, *_place(text, at))
        return
    at, counted, line = _skip(text, at + 1), 0, 1
    ended = text[at : at + 1] == "]"
    while not ended:
        start = at
        line, counted = line + text.count("\n", counted, at), at  # from the beginning it would be quadratic
        try:
            value, at = DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:  # after it nothing says where the next record begins
            yield Problem(path.name, f"broken JSON: {error.msg}", error.lineno, error.colno)
            return
        except (RecursionError, ValueError) as error:
            yield Problem(path.name, f"JSON that cannot be read: {error}", *_place(text, start))
            return
        yield _record(path, line, value)
        at = _skip(text, at)
        ended = text[at : at + 1] == "]"
        if not ended and text[at : at + 1] != ",":
            yield Problem(path.name, "expected `,` or `]` after a record", *_place(text, at))
            return
        at = at if ended else _skip(text, at + 1)
    if _skip(text, at + 1) < len(text):
        yield Problem(path.name, "something follows the array", *_place(text, _skip(text, at + 1)))


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _place(text: str, at: int) -> tuple[int, int]:
    """Line and column of a character, from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _record(path: Path, line: int, value: Any) -> Item:
    if isinstance(value, dict):
        return line, value
    return Problem(path.name, f"a record is an object {{...}}, this is {shorten(value)}", line)


def _comma_separated(path: Path) -> Iterator[Item]:
    text = _text(path)
    if isinstance(text, Problem):
        yield text
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    begins = 1  # a record may go over several lines, and is named by its first
    try:
        for row in reader:
            if row and not header:
                header = row
                if wrong := _wrong_header(header):
                    yield Problem(path.name, wrong, begins)
                    return
            elif row and len(row) != len(header):
                what = "more" if len(row) > len(header) else "fewer"
                yield Problem(path.name, f"{what} values than the header's {len(header)}", begins)
            elif row:
                yield begins, dict(zip(header, row, strict=True))
            begins = reader.line_num + 1
    except csv.Error as error:
        yield Problem(path.name, f"broken CSV: {error}", begins)


def _wrong_header(header: list[str]) -> str:
    """Why these names cannot head a file; empty if they can."""
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        return f"the header names {', '.join(map(repr, twice))} twice"
    other = next((mark for mark in (";", "\t", "|") if len(header) == 1 and mark in header[0]), "")
    return f"the values seem to be parted by {other!r}; part them by commas" if other else ""


def _parquet(path: Path) -> Iterator[Item]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if too_much := more_than_memory(path):
            yield Problem(path.name, too_much)
            return
        with pq.ParquetFile(path) as file:  # read_table would make columns of folders named `a=b`
            table = file.read()
        twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
        if twice:
            yield Problem(path.name, f"it has several columns of the name {', '.join(twice)}")
            return
        rows = table.to_pylist()
        told = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
        names = class_names(told.get("info", {}).get("features") or {})
    except (pa.ArrowException, OSError, ValueError) as error:
        yield Problem(path.name, f"not a parquet file: {' '.join(str(error).split())}")
        return
    yield from enumerate((with_names(row, names) for row in rows), start=1)


READERS: dict[str, Callable[[Path], Iterator[Item]]] = {
    ".jsonl": _json_lines,
    ".json": _json_array,
    ".csv": _comma_separated,
    ".parquet": _parquet,
}
"""File ending to reader."""
FORMS = {".jsonl": "JSON lines", ".json": "JSON", ".csv": "CSV", ".parquet": "parquet"}
