"""Facts about the origin of a result: canonical settings, digests, versions, commit."""

import json
import os
import platform
import subprocess
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sppl import __version__

VERSIONED = ("torch", "transformers", "pytorch-lightning", "peft", "lm-eval", "tokenizers", "numpy", "pandas")


def canonical(value: Any) -> Any:
    """Returns `value` as plain JSON data; a dataclass becomes its class name and its fields."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: canonical(getattr(value, f.name)) for f in fields(value) if f.metadata.get("identity", True)}
        return {"class": type(value).__name__, **parts}
    if isinstance(value, Mapping):
        return {str(key): canonical(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(part) for part in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"a {type(value).__name__} cannot be part of an artifact's name: {value!r}")


def fingerprint(value: Any) -> str:
    """Returns eight hex digits of a hash of the canonical JSON of `value`."""
    text = json.dumps(canonical(value), sort_keys=True, ensure_ascii=False)
    return sha256(text.encode()).hexdigest()[:8]


def content_digest(path: Path) -> str:
    """Returns 16 hex digits of the sha256 of a file, or of the names and contents of a folder's files."""
    total = sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            total.update(str(file.relative_to(path)).encode() if path.is_dir() else b"")
            with file.open("rb") as stream:
                while chunk := stream.read(1 << 20):
                    total.update(chunk)
    return total.hexdigest()[:16]


def whole_zip(path: Path) -> bool:
    """Whether a zip file (a checkpoint, a .npz) exists and is complete and unchanged."""
    try:
        with zipfile.ZipFile(path) as parts:
            stored = all(part.compress_type == zipfile.ZIP_STORED for part in parts.infolist())
            return stored and parts.testzip() is None  # we compress nothing, so nothing unpacks to more than is there
    except (OSError, zipfile.BadZipFile, zlib.error):
        return False


def more_than_memory(path: Path) -> str:
    """Returns why a parquet file must not be read, as it claims more data than memory holds; empty if it may.

    Raises:
        OSError, ValueError: it is not a parquet file.
    """
    import psutil
    import pyarrow.parquet as pq

    facts, memory = pq.read_metadata(path), psutil.virtual_memory().total
    unpacked = sum(facts.row_group(at).total_byte_size for at in range(facts.num_row_groups))
    least = max(unpacked, 4 * facts.num_rows * facts.num_columns)
    return f"it unpacks to {least / 2**30:,.0f} GiB, more than this machine's memory" if least > memory else ""


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file that is either whole or not there."""
    write_anew(path, json.dumps(value, indent=1, ensure_ascii=False))


def write_anew(path: Path, text: str) -> None:
    """Writes a text file that is either whole or not there; a link in its place is replaced, not followed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        with temporary.open("x", encoding="utf-8", newline="") as file:  # a link is no new file
            file.write(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def folder_bytes(path: Path) -> int:
    """Returns the bytes of all files below a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that shape numbers."""
    found = {"python": platform.python_version(), "sppl": __version__}
    for package in VERSIONED:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@lru_cache(maxsize=1)
def commit() -> str:
    """Returns the commit of the checkout, followed by `+` if files differ from it; empty outside a checkout."""
    here = Path(__file__).parents[2]
    if not (here / ".git").exists():  # an installed package may lie inside of somebody else's checkout
        return ""
    ask = ["git", "-C", str(here), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(ask, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
