"""Decodes data files: the encoding is read off the file, or refused with how the bytes would read; never guessed."""

import re
from pathlib import Path

from sppl.data.problems import Problem, shorten

FOREIGN = {
    b"PK\x03\x04": "an Excel file or another zip archive; save the sheet as CSV UTF-8, or unpack it",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file; save the sheet as CSV UTF-8",
    b"\x1f\x8b": "packed by gzip; unpack it first (gunzip)",
    b"BZh91AY&SY": "packed by bzip2; unpack it first (bunzip2)",
    b"\xfd7zXZ\x00": "packed by xz; unpack it first (unxz)",
    b"\x28\xb5\x2f\xfd": "packed by zstd; unpack it first (unzstd)",
    b"7z\xbc\xaf": "packed by 7-Zip; unpack it first",
    b"PAR1": "a parquet file; name it .parquet",
    b"ARROW1": "an Arrow file; save it as parquet",
    b"\x93NUMPY": "a NumPy file; save it as .jsonl",
    b"SQLite format 3": "a database; save its table as .csv or .jsonl",
    b"%PDF": "a PDF file",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself; fetch that: git lfs pull",
}
"""First bytes of files in other formats, and what to do with these."""
PAGE = re.compile(rb"\s*<(?:!doctype|html|\?xml)", re.IGNORECASE)
MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
"""Byte order marks, the longer before the shorter that they begin with."""
LEGACY = ("cp1252", "gb18030", "big5", "shift_jis", "euc_kr")
"""Older encodings that files are still saved in."""


def describe_foreign(path: Path) -> str:
    """Returns the description of a file that is in another format than its ending says; empty if it may be one."""
    with path.open("rb") as file:
        head = file.read(64)
    known = next((what for begins, what in FOREIGN.items() if head.startswith(begins)), "")
    if path.suffix.lower() == ".parquet" and head.startswith(b"PAR1"):
        return ""
    return known or ("a web page or XML, not the data themselves" if PAGE.match(head) else "")


def decode_file(path: Path) -> str | Problem:
    """Returns the text of a file in UTF-8 (with or without a byte order mark) or in UTF-16 or UTF-32 with one."""
    raw = path.read_bytes()
    encoding = next((name for mark, name in MARKS.items() if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        if encoding == "utf-8" and (wide := _wide(raw)):
            return Problem(path.name, wide)
        what = f"byte {raw[error.start]:#04x} is not {error.encoding}; save it as UTF-8"
        return Problem(path.name, what + (_readings(raw, error.start) if encoding == "utf-8" else ""), line, column)
    if "\0" in text:
        at = text.index("\0")
        what = _wide(raw) or "a NUL character, which no text has; was the file damaged?"
        return Problem(path.name, what, text.count("\n", 0, at) + 1)
    return text


def _wide(raw: bytes) -> str:
    """The name of UTF-16 without a byte order mark, in which every other byte of plain letters is NUL; else empty."""
    even, odd = raw[::2].count(0), raw[1::2].count(0)
    if max(even, odd) * 5 < len(raw) // 2 or len(raw) % 2:
        return ""
    name = "UTF-16BE" if even > odd else "UTF-16LE"
    return f"it seems to be {name} without a byte order mark; save it as UTF-8: iconv -f {name} -t UTF-8 FILE > NEW"


def _readings(raw: bytes, at: int) -> str:
    """How a byte that is not UTF-8 reads in other encodings, or that only its line is wrong."""
    start, end = raw.rfind(b"\n", 0, at) + 1, raw.find(b"\n", at)
    if any(map(_is_utf8_beyond_ascii, raw.splitlines())):
        return "; other lines are UTF-8, so mend this one by hand"
    line, found = raw[start : end if end >= 0 else None], list[str]()
    for name in LEGACY:
        try:
            raw.decode(name)
            before, text = line[: at - start].decode(name, "ignore"), line.decode(name)
        except UnicodeDecodeError:
            continue
        found.append(f"{shorten(text[max(0, len(before) - 6) : len(before) + 6])} as {name}")
    return f" (it reads {', '.join(found)}; choose: iconv -f ENCODING -t UTF-8 FILE > NEW)" if found else ""


def _is_utf8_beyond_ascii(line: bytes) -> bool:
    try:
        return not line.decode("utf-8").isascii()
    except UnicodeDecodeError:
        return False
