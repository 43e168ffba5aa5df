"""The store: names of artifacts, locks, atomic writes, validation, provenance.

An artifact is `<kind>/<word>/.../<word>-<8 hex>`: readable words, then a hash of every setting and input digest that
shapes it. A table is a parquet file, other artifacts are folders; a JSON of provenance lies beside either. An artifact
that exists is complete: it is written under a temporary name and renamed last.
"""

import json
import logging
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from sppl.artifacts.provenance import (
    VERSIONED,
    canonical,
    commit,
    content_digest,
    fingerprint,
    folder_bytes,
    more_than_memory,
    versions,
    write_json,
)
from sppl.artifacts.sidecar import broken_error, read_sidecar, sidecar_of
from sppl.names import NAME, NAME_RULE, leads_out
from sppl.schemas import Schema, UserError, validate

log = logging.getLogger(__name__)


MARK = "store.json"
FORMAT = 2
"""The version of the store's layout, raised when names or files of artifacts change."""

FOLDERS = ("adapters",)
"""Kinds of artifacts that are folders; all others are tables."""

_told: set[tuple[str, str, str]] = set()
"""Stores and libraries of other versions that this process has warned about."""


class MissingArtifact(UserError):
    """An input is missing in the store; the message is the command that makes it."""


class InProgress(Exception):
    """Another process is making an artifact, and this store does not wait for it."""


@dataclass(frozen=True)
class ArtifactId:
    """The name of one artifact, and the settings that the name was made of."""

    kind: str
    words: tuple[str, ...]
    settings: Mapping[str, Any] = field(compare=False, hash=False)
    schema: Schema | None = field(default=None, compare=False, hash=False, repr=False)
    """The schema, for kinds of tables that `sppl.schemas` does not define."""

    @property
    def key(self) -> str:
        return fingerprint(self.settings)

    @property
    def name(self) -> str:
        return "/".join((self.kind, *self.words)) + "-" + self.key

    @property
    def is_table(self) -> bool:
        return self.kind not in FOLDERS


@dataclass(frozen=True)
class Store:
    """A folder of artifacts.

    Args:
        root: the folder; made when something is first written.
        config: the resolved configuration of the running job, copied into every provenance.
        wait: whether `making` waits for another process that makes the same.
        read_only: whether nothing may be written, as in a dry run.
        typed: the command line of this process, the words that start the program first; its line is in every
            provenance.
        job: the same for the running job alone: of a sweep's values its own. What a message's command is made of.
    """

    root: str
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    wait: bool = True
    read_only: bool = False
    typed: tuple[str, ...] = field(default=(), repr=False)
    job: tuple[str, ...] = field(default=(), repr=False)

    @property
    def command(self) -> str:
        """The command line of this process for a shell; empty where there was none."""
        return " ".join([*self.typed[:1], shlex.join(self.typed[1:])]).strip()

    def check_format(self) -> None:
        """Refuses a store of another version.

        Raises:
            UserError: it is one; the message says how to go on.
        """
        mark = Path(self.root, MARK)
        if not mark.exists() and not self._has_tables():
            return
        try:
            found = json.loads(mark.read_text())["format"] if mark.exists() else 1
        except (OSError, ValueError, KeyError, TypeError):
            found = None
        if found != FORMAT:
            old, new = shlex.quote(f"{self.root}.old"), shlex.quote(self.root)
            raise UserError(
                f"{self.root} was written by another version of sppl (its artifacts are of format {found}, here it is "
                f"{FORMAT}), so what is in it cannot be told from the results of other inputs. Set it aside, and keep "
                f"what teachers were paid for, which is then used again: mv {new} {old} && mkdir -p {new} && "
                f"if [ -d {old}/journal ]; then cp -r {old}/journal {new}/; fi"
            )

    def _has_tables(self) -> bool:
        """Whether the store holds any finished table, and not only what a killed command left."""
        kinds = ("responses", "predictions", "token_stats", "results", "rankings")
        found = (path for kind in kinds for path in Path(self.root, kind).rglob("*.parquet"))
        return any(not any(part.endswith(".parts") for part in path.parts) for path in found)

    def artifact_id(
        self, kind: str, *words: str, settings: Mapping[str, Any], schema: Schema | None = None
    ) -> ArtifactId:
        """Returns the name of an artifact; nothing is read or written.

        Raises:
            UserError: a word could leave the store or break a path.
        """
        for word in (kind, *words):
            if not NAME.fullmatch(word):
                raise UserError(f"{word!r} cannot be a name: {NAME_RULE}")
        return ArtifactId(kind, words, settings, schema)

    def open(self, name: str) -> ArtifactId:
        """Returns the artifact of that name with the settings in its provenance; raises MissingArtifact without one."""
        self.artifact_id(*name.split("/"), settings={})  # refuses a name that leaves the store
        if not self.holds(name):
            raise self._missing(name)
        kind, *words = name.rpartition("-")[0].split("/")
        artifact = self.artifact_id(kind, *words, settings=read_sidecar(Path(self.root, name + ".json"))["settings"])
        if artifact.name != name:
            raise broken_error(
                self.path(artifact), f"its provenance tells other settings than its name ({artifact.name})"
            )
        return artifact

    def _missing(self, name: str) -> MissingArtifact:
        return MissingArtifact(
            f"{name} is not in {self.root}. If it was removed, run the command again that made it: what is missing is "
            "made anew"
        )

    def holds(self, name: str) -> bool:
        """Whether there is an artifact of that name."""
        return any(Path(self.root, name + ending).exists() for ending in ("", ".parquet"))

    def artifacts(self, kind: str, *words: str) -> list[ArtifactId]:
        """Returns the tables directly under these words, sorted by name, with their settings."""
        pattern = "/".join((kind, *words, "*.parquet")) if words else f"{kind}-*.parquet"
        paths = sorted(Path(self.root).glob(pattern))
        return [self.open(path.relative_to(self.root).with_suffix("").as_posix()) for path in paths]

    def path(self, artifact: ArtifactId) -> Path:
        """Returns the path of an artifact's data; raises a UserError where a link leads out of the store."""
        return self._own(Path(self.root) / (artifact.name + (".parquet" if artifact.is_table else "")))

    def _own(self, path: Path) -> Path:
        if out := leads_out(path, Path(self.root)):
            raise UserError(
                f"{path} leads to {out}, outside of the store {self.root}; nothing there is read or written. Remove "
                "the link, and run the same command again; or give the folder that the store really is in: store=FOLDER"
            )
        return path

    def exists(self, artifact: ArtifactId) -> bool:
        return self.path(artifact).exists()

    def provenance(self, artifact: ArtifactId) -> dict[str, Any]:
        """Returns the JSON beside the artifact; raises a UserError where it is missing or broken."""
        return read_sidecar(sidecar_of(self.path(artifact)))

    def digest(self, artifact: ArtifactId) -> str:
        """Returns 16 hex digits of the sha256 of the artifact's content, as recorded when it was written."""
        return self.provenance(artifact)["digest"]

    def read(self, artifact: ArtifactId) -> pd.DataFrame:
        """Returns the table of an artifact; raises MissingArtifact without one, UserError if it is broken."""
        return validate(self.unchecked(artifact), artifact.kind, artifact.name, artifact.schema)

    def unchecked(self, artifact: ArtifactId) -> pd.DataFrame:
        """Returns the table without checking its rows, for readers of many artifacts that `validate` all at once."""
        path = self.whole(artifact)
        try:
            if too_much := more_than_memory(path):
                raise ValueError(too_much)
            return pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise broken_error(path, f"it cannot be read ({error})") from None

    def columns(self, artifact: ArtifactId) -> list[str]:
        """Returns the columns of a table that exists, without reading its rows."""
        from pyarrow.parquet import read_schema

        return read_schema(self.path(artifact)).names

    def whole(self, artifact: ArtifactId) -> Path:
        """Returns the path of an artifact's data, once their content was found to match the digest.

        Raises:
            MissingArtifact: it does not exist.
            UserError: its content is not what was written.
        """
        path = self.path(artifact)
        if not path.exists():
            raise self._missing(artifact.name)
        facts = self.provenance(artifact)
        self._compare(facts.get("versions", {}))
        if content_digest(path) != facts["digest"]:
            raise broken_error(path, "its content is not what was written (cut short or changed)")
        return path

    def _compare(self, made_with: Mapping[str, str]) -> None:
        """Warns once per library and process of artifacts that were computed with another version."""
        here = versions()
        for package in VERSIONED:
            then, now = made_with.get(package), here.get(package)
            if then and now and then != now and (self.root, package, then) not in _told:
                _told.add((self.root, package, then))
                log.warning(
                    "%s holds artifacts computed with %s %s, and here is %s: last digits may differ between those and "
                    "new ones. They are read all the same; to make all anew: store=ANOTHER_FOLDER",
                    self.root, package, then, now,
                )  # fmt: skip

    def write(
        self, artifact: ArtifactId, frame: pd.DataFrame, inputs: Mapping[str, str], seconds: float, **notes: Any
    ) -> None:
        """Writes a table artifact and its provenance, data last, and logs one line.

        Args:
            inputs: names of the artifacts it was made from, and their digests.
            seconds: the time it took to make.
            notes: further facts for the provenance.
        """
        frame = validate(frame.reset_index(drop=True), artifact.kind, artifact.name, artifact.schema)
        path = self.path(artifact)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            frame.to_parquet(temporary, index=False)
            self._seal(artifact, temporary, inputs, seconds, {"rows": len(frame), **notes})
        finally:
            temporary.unlink(missing_ok=True)
        log.info("%s: %d rows, %.1f s%s", artifact.name, len(frame), seconds, _where(notes))

    def write_folder(
        self, artifact: ArtifactId, made: Path, inputs: Mapping[str, str], seconds: float, **notes: Any
    ) -> None:
        """Moves the folder `made` (on the same file system) to the artifact's place and logs one line."""
        self._seal(artifact, made, inputs, seconds, notes)
        size = folder_bytes(self.path(artifact)) / 1e6
        log.info("%s: %.1f MB, %.1f s%s", artifact.name, size, seconds, _where(notes))

    def _seal(
        self, artifact: ArtifactId, made: Path, inputs: Mapping[str, str], seconds: float, notes: dict[str, Any]
    ) -> None:
        assert not self.read_only, f"{artifact.name}: a dry run writes nothing"
        how = {"versions": versions(), "commit": commit(), "command": self.command, "config": self.config}
        provenance = {
            "leaf": artifact.name,
            "digest": content_digest(made),
            "settings": canonical(artifact.settings),
            "inputs": dict(inputs),
            "seconds": round(seconds, 3),
            **notes,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            **how,
        }
        path = self.path(artifact)
        if Path(self.root, MARK).exists():
            self.check_format()  # another version may have begun to write here since
        else:
            write_json(Path(self.root, MARK), {"format": FORMAT})
        write_json(sidecar_of(path), provenance)
        made.replace(path)
        for name in (path.name, sidecar_of(path).name):  # what killed runs left; the caller holds the artifact's lock
            for left in path.parent.glob(f".{name}.*.tmp"):
                left.unlink()

    def parts(self, artifact: ArtifactId) -> Path:
        """Makes and returns the folder for unfinished work, which `clear_parts` removes once the artifact exists."""
        folder = self._own(_beside(self.path(artifact), ".parts"))
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def in_progress(self, artifact: ArtifactId) -> bool:
        """Whether the making of an artifact was begun and not finished."""
        return _beside(self.path(artifact), ".parts").exists()

    def clear_parts(self, artifact: ArtifactId) -> None:
        shutil.rmtree(_beside(self.path(artifact), ".parts"), ignore_errors=True)

    def lock(self, kind: str, *words: str) -> AbstractContextManager[None]:
        """Holds the lock of everything under these words; waits for another holder, with one log line."""
        name = "/".join((kind, *words))
        return _held(self._own(Path(self.root) / (name + ".lock")), name)

    @contextmanager
    def making(self, *artifacts: ArtifactId) -> Iterator[list[ArtifactId]]:
        """Holds the locks of missing artifacts, and yields those that are still missing once all are held.

        It waits for another process that makes one of them, with one log line. The kernel releases the locks of a
        process that ends.

        Raises:
            InProgress: another process makes one of them, and this store does not wait.
        """
        with ExitStack() as stack:
            for artifact in sorted(
                (artifact for artifact in artifacts if not self.exists(artifact)), key=lambda artifact: artifact.name
            ):
                lock = self._own(_beside(self.path(artifact), ".lock"))
                stack.enter_context(_held(lock, artifact.name, wait=self.wait))
            yield [artifact for artifact in artifacts if not self.exists(artifact)]


def _where(notes: Mapping[str, Any]) -> str:
    """The GPU's name, the weights' dtype and peak memory, for the log; empty for a CPU."""
    if notes.get("device", "cpu") == "cpu" or "dtype" not in notes:
        return ""
    return f" on {notes['device']}, {notes['dtype']}, {notes['peak_memory_mib'] / 1024:.1f} GiB"


@contextmanager
def _held(path: Path, name: str, *, wait: bool = True) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        held = lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise InProgress(name) from None
        log.info("%s: another process is making it, waiting", name)
        held = lock.acquire()
    with held:
        yield


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
