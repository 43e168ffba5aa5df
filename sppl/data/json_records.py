"""Reads records from JSON text (an array, a record per line, or one after another) with their first lines."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sppl.data.problems import Problem, shorten

Record = dict[str, Any]
Item = tuple[int, Record] | Problem

_BEGINS = re.compile(r"^[ \t]*[{\[]", re.MULTILINE)
OF_A_RECORD = {"id", "question", "prompt", "instruction", "response", "completion", "output", "answer", "messages"}
OF_A_RECORD |= {"conversations", "teacher_output"}
"""Fields by which a single object in a file is recognised as a record."""
_PYTHON = re.compile(r"(None|True|False|nan|inf)\b")


def _object(pairs: list[tuple[str, Any]]) -> Record:
    found = dict(pairs)
    if len(found) < len(pairs):  # the standard library keeps the last one and says nothing
        names = [name for name, _ in pairs]
        raise ValueError(f"the field {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found


DECODER = json.JSONDecoder(object_pairs_hook=_object)


def json_records(name: str, text: str) -> Iterator[Item]:
    """Yields the records in the text of a file, and its problems."""
    at = _skip(text, 0)
    if at == len(text):
        return
    if text[at] == "[":
        yield from _array(name, text, at)
    elif not _BEGINS.search(text):
        first = shorten(text[at : at + 40].split("\n")[0])
        yield Problem(name, f"no JSON: it begins with {first}; a table with a header is named .csv", *_place(text, at))
    else:
        yield from _one_by_one(name, text)


def _array(name: str, text: str, at: int) -> Iterator[Item]:
    at, counted, line = _skip(text, at + 1), 0, 1
    ended = text[at : at + 1] == "]"
    while not ended:
        start = at
        line, counted = line + text.count("\n", counted, at), at  # from the beginning it would be quadratic
        try:
            value, at = DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:  # after it nothing says where the next record begins
            yield Problem(name, explain_broken(text, error), error.lineno, error.colno)
            return
        except (RecursionError, ValueError) as error:
            yield Problem(name, f"JSON that cannot be read: {error}", *_place(text, start))
            return
        yield _record(name, line, value)
        at = _skip(text, at)
        ended = text[at : at + 1] == "]"
        if not ended and text[at : at + 1] != ",":
            what = "the array is never closed; was the file cut off?" if at == len(text) else "expected `,` or `]`"
            yield Problem(name, f"{what} after a record" if at < len(text) else what, *_place(text, at))
            return
        at = at if ended else _skip(text, at + 1)
    if _skip(text, at + 1) < len(text):
        yield Problem(name, "something follows the array", *_place(text, _skip(text, at + 1)))


def _one_by_one(name: str, text: str) -> Iterator[Item]:
    """Records of a line each, several in a line, or one over several lines; after a broken line the next are read."""
    at, number, found, broken = 0, 1, 0, False
    while at < len(text):
        end = text.find("\n", at)  # not splitlines: U+2028 may stand inside a string
        end = len(text) if end < 0 else end
        line = text[at:end]
        rest = broken and not _BEGINS.match(line)  # of the broken record
        items, stop = [] if rest else list(_in_line(name, line, number)), end
        if len(items) == 1 and isinstance(items[0], Problem) and (whole := _over_lines(text, at)):
            value, stop = whole
            items = [_record(name, number, value)]
        elif line.strip() == "{" and items:  # what follows is the rest of a broken record, not the next one
            yield _broken(name, text, at)
            return
        if not found and len(items) == 1 and _skip(text, stop) == len(text):
            items = [_alone(name, items[0])]
        found += len(items)
        broken = rest or bool(items and isinstance(items[-1], Problem))
        yield from items
        number += text.count("\n", at, stop + 1)
        at = stop + 1 if stop == end else stop


def _in_line(name: str, line: str, number: int) -> Iterator[Item]:
    """The records of one line."""
    at = _skip(line, 0)
    while at < len(line):
        try:
            value, at = DECODER.raw_decode(line, at)
        except json.JSONDecodeError as error:
            yield Problem(name, explain_broken(line, error), number, error.colno)
            return
        except (RecursionError, ValueError) as error:
            yield Problem(name, f"JSON that cannot be read: {error}", number)
            return
        yield _record(name, number, value)
        at = _skip(line, at)
        if at < len(line) and line[at] != "{":
            what = "a comma after the record; lines have none" if line[at:].strip() == "," else "something follows it"
            yield Problem(name, f"broken JSON: {what}", number, at + 1)
            return


def _over_lines(text: str, at: int) -> tuple[Any, int] | None:
    """A record that begins at a line and ends on another, and where it ends."""
    try:
        value, stop = DECODER.raw_decode(text, _skip(text, at))
    except (RecursionError, ValueError):
        return None
    return value, stop


def _broken(name: str, text: str, at: int) -> Problem:
    try:
        DECODER.raw_decode(text, _skip(text, at))
    except json.JSONDecodeError as error:
        return Problem(name, explain_broken(text, error), error.lineno, error.colno)
    except (RecursionError, ValueError) as error:
        return Problem(name, f"JSON that cannot be read: {error}", *_place(text, at))
    raise AssertionError("the record can be read")


def _alone(name: str, item: Item) -> Item:
    """The only object of a file: a record, or what holds all records in another shape."""
    if isinstance(item, Problem) or (OF_A_RECORD & set(item[1]) and not _by_columns(item[1])):
        return item
    line, record = item
    held = {key: value for key, value in record.items() if _are_records(value)}
    if len(held) == 1:
        (key,) = held
        return Problem(name, f"one object whose field {key!r} has the records; write that list alone", line)
    if _by_columns(record):
        return Problem(name, "a table by columns; write it by rows (pandas: to_json(orient='records'))", line)
    if len(record) > 1 and all(isinstance(value, Mapping) for value in record.values()):
        return Problem(name, "one object of objects; write a list of records (pandas: to_json(orient='records'))", line)
    return item


def _by_columns(record: Record) -> bool:
    """Whether every field holds a list of values, or an object of them by row number, as pandas writes by default."""
    values = list(record.values())
    lists = all(isinstance(value, list) and not _are_records(value) for value in values)
    numbered = all(isinstance(value, Mapping) and value and all(key.isdigit() for key in value) for value in values)
    return len(values) > 1 and (lists or numbered)


def _are_records(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(one, Mapping) for one in value)


def explain_broken(text: str, error: json.JSONDecodeError) -> str:
    """Returns what is wrong where a decoder stopped, and how to mend it."""
    at = _skip(text, error.pos)
    before, here = text[: error.pos].rstrip(), text[at : at + 1]
    if here == "," and text[_skip(text, at + 1) : _skip(text, at + 1) + 1] in ("}", "]"):  # newer versions stop here
        before, at = text[: at + 1], _skip(text, at + 1)
        here = text[at]
    said = error.msg
    if error.msg.startswith("Unterminated string"):
        said = "a text is not closed; was it cut off, or is there a line break in it?"
    elif error.msg.startswith("Invalid control character"):
        said = "a line break or tab inside a text; it is written \\n or \\t"
    elif "escape" in error.msg:
        said = "a backslash that escapes nothing; in a text it is written twice"
    elif not here:
        said = "it ends in the middle of a record; was it cut off?"
    elif here in "}]" and before.endswith(","):
        said = f"a comma too many before `{here}`"
    elif here == "'":
        said = "single quotes; JSON has double ones (Python: json.dumps(record))"
    elif _PYTHON.match(text, at):
        said = "a word of Python; JSON has null, true and false (Python: json.dumps(record))"
    elif here in "“”„‘’«»":
        said = "typographic quotes; JSON has plain double ones"
    elif text.startswith(("//", "/*", "#"), at):
        said = "a comment, which JSON does not have"
    elif "property name" in error.msg:
        said = "the name of a field without double quotes"
    elif "delimiter" in error.msg:
        said = f"{error.msg.removeprefix('Expecting ')} is missing, or a quote inside a text is not escaped"
    return f"broken JSON: {said}"


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _place(text: str, at: int) -> tuple[int, int]:
    """Line and column of a character, from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _record(name: str, line: int, value: Any) -> Item:
    if isinstance(value, dict):
        return line, value
    return Problem(name, f"a record is an object {{...}}, this is {shorten(value)}", line)
