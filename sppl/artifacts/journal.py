"""Append-only journals of JSON lines, each entry of which is on disk before the work goes on."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sppl.schemas import UserError


@dataclass(frozen=True)
class Journal:
    """A file of JSON lines that is only appended to; a writer has to hold the lock of the strategy's responses."""

    path: Path

    def read(self) -> dict[str, dict[str, Any]]:
        """Returns the entries by key; a line that a killed process left unfinished is removed."""
        return {entry["key"]: entry for entry in self.entries()}

    def entries(self) -> list[dict[str, Any]]:
        """Returns all entries in their order, repeated keys included; an unfinished line is removed.

        Raises:
            UserError: a line is no entry.
        """
        self._check()
        if not self.path.is_file():
            return []
        raw = self.path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        if len(whole) < len(raw):
            os.truncate(self.path, len(whole))
        return [self._entry(number, line) for number, line in enumerate(whole.split(b"\n")[:-1], 1)]

    def add(self, key: str, **entry: Any) -> None:
        """Appends one entry and waits until it is on disk; without room for all of it, nothing is added."""
        self._check()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"key": key, **entry}, ensure_ascii=False).encode(errors="replace") + b"\n"
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            before = os.fstat(handle).st_size
            if os.write(handle, line) < len(line):
                os.ftruncate(handle, before)
                raise OSError(f"{self.path}: only a part of an answer could be written; no space left on device")
            os.fsync(handle)
        finally:
            os.close(handle)

    def _check(self) -> None:
        if self.path.is_symlink():
            raise UserError(
                f"{self.path} is a link to {self.path.resolve()}; nothing there is read or written. Put the file "
                "itself in its place"
            )

    def _entry(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            entry = json.loads(line)
            return {**entry, "key": entry["key"]}
        except (ValueError, TypeError, KeyError, RecursionError):
            raise UserError(
                f"{self.path}, line {number}: this is no record of an answer; the file was changed by something else. "
                "Remove that line, and run the same command again: what the other lines hold is not asked for again"
            ) from None
