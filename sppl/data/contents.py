"""Reads the records of a local file (JSON, a table or parquet), each with the line it begins on."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sppl.artifacts.provenance import more_than_memory
from sppl.data.class_labels import class_names, with_names
from sppl.data.encoding import decode_file, describe_foreign
from sppl.data.json_records import Item, Record, json_records
from sppl.data.problems import Problem, file_names, shorten
from sppl.keys import KEY, keys_of_environment
from sppl.schemas import UserError

csv.field_size_limit(1 << 28)  # the default refuses an answer of more than 128 KB


@dataclass(frozen=True)
class Contents:
    """The readable records of a file with their line (1-based; a parquet row's number), and its problems."""

    path: Path
    rows: tuple[tuple[int, Record], ...]
    problems: tuple[Problem, ...]


def read_contents(path: Path) -> Contents:
    """Returns the records of a file, in its order.

    UTF-8 with or without a byte order mark, UTF-16 with one; line ends of any system; blank lines are skipped. JSON
    is an array or records one after another; a table is parted by commas, or by `;`, tab or `|` as its header is.

    Raises:
        UserError: the file is missing, or its ending names no format that is known.
    """
    if not path.is_file():
        beside = file_names(path.parent.iterdir()) if path.parent.is_dir() else "no such folder"
        raise UserError(f"{path} is not there; in {path.parent}: {beside}")
    if path.suffix.lower() not in READERS:
        raise UserError(f"{path}: the format of `{path.suffix}` is not known; use {', '.join(READERS)}")
    state = path.stat()
    return _read(path, (state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=64)
def _read(path: Path, _changed: tuple[int, int]) -> Contents:  # a changed file is another entry of the cache
    rows: list[tuple[int, Record]] = []
    problems: list[Problem] = []
    if other := describe_foreign(path):
        return Contents(path, (), (Problem(path.name, other),))
    for item in READERS[path.suffix.lower()](path):
        problems.append(item) if isinstance(item, Problem) else rows.append(item)
    problems += _keys_in(path.name, rows)
    if not rows and not problems:
        empty = path.stat().st_size == 0
        problems.append(Problem(path.name, "the file is empty" if empty else "the file holds no record"))
    return Contents(path, tuple(rows), tuple(problems))


def _keys_in(name: str, rows: Iterable[tuple[int, Record]]) -> Iterator[Problem]:
    """Yields a problem per value that looks like a key, as data are written to disk, sent out and trained on."""
    known = keys_of_environment()
    for line, record in rows:
        for field, value in record.items():
            text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
            if KEY.search(text) or KEY.search(field) or any(key in text for key in known):
                what = "it holds what looks like a key; write something else in its place, and revoke it if it is one"
                yield Problem(name, what, line, field=field)


def _json(path: Path) -> Iterator[Item]:
    text = decode_file(path)
    yield from [text] if isinstance(text, Problem) else json_records(path.name, text)


def _table(path: Path) -> Iterator[Item]:
    """The rows of a table, parted by what parts its header."""
    text = decode_file(path)
    if isinstance(text, Problem):
        yield text
        return
    if text.lstrip()[:1] in ("{", "["):
        yield Problem(path.name, "JSON in a table's file; name it .jsonl or .json", 1)
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=_parted_by(text))
    header: list[str] = []
    begins, rows = 1, -1  # a record may go over several lines, and is named by its first
    try:
        for row in reader:
            rows += bool(row)
            if row and not header:
                header = [name.strip() for name in row]
                if wrong := sorted({name for name in header if header.count(name) > 1}):
                    yield Problem(path.name, f"the header names {', '.join(map(repr, wrong))} twice", begins)
                    return
            elif row and len(row) != len(header):
                what = "more" if len(row) > len(header) else "fewer"
                hint = "; a text with the mark that parts values stands in double quotes" * (what == "more")
                yield Problem(path.name, f"{what} values than the header's {len(header)}{hint}", begins)
            elif row:
                yield begins, dict(zip(header, row, strict=True))
            begins = reader.line_num + 1
    except csv.Error as error:
        why = "a double quote is opened and never closed" if "end of data" in str(error) else str(error)
        yield Problem(path.name, f"broken CSV: {why}", begins)
        return
    if header and rows == 0:
        yield Problem(path.name, f"a header and no record: {shorten(', '.join(header))}", 1)


def _parted_by(text: str) -> str:
    """The mark between values: a comma, or where the header has none the first other one in it."""
    bare = re.sub(r'"[^"]*"', "", text.lstrip().partition("\n")[0])
    found = re.search(r"[;\t|]", bare)
    return found[0] if found and "," not in bare else ","


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
    ".jsonl": _json,
    ".json": _json,
    ".ndjson": _json,
    ".csv": _table,
    ".tsv": _table,
    ".parquet": _parquet,
}
"""File ending to reader."""
