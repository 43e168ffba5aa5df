"""The ledger: finds jobs that are done by their configuration, so that a sweep need not start them again."""

import errno
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from sppl.artifacts.provenance import fingerprint, write_json
from sppl.artifacts.store import Store
from sppl.cli.foreign import find_components, find_foreign
from sppl.cli.jobs import Job
from sppl.cli.settings import as_plain

log = logging.getLogger(__name__)

MOST = 100_000
"""Files of a folder that are looked at, at most."""
FILLED_IN = {"run_dir", "group", "sweep", "job_name", "logger", "dry"}
"""Settings that differ between runs of the same work."""


@dataclass(frozen=True)
class Ledger:
    """One file per job in the store's folder `jobs`.

    A job counts as done as long as its composed configuration, and the files and folders that this names, are what they
    were, and every artifact it found or made is still there. One without any (it only asked teachers, or exported)
    never counts as done; it finds out itself what there is. While no configuration file changes, a job is found by its
    overrides, which takes no composing: the folder `jobs/typed` says which page they led to.

    Args:
        store: where the jobs' artifacts are.
        conf: the folders of configuration files.
        reports: where the command writes its reports; empty: not looked at.
    """

    store: Store
    conf: Sequence[Path]
    reports: str = ""

    @classmethod
    def at(cls, store: str, sources: Iterable[Any], reports: str = "") -> "Ledger":
        """The ledger of a store and of those configuration sources, as Hydra lists them, that are folders."""
        return cls(Store(store), [Path(source.path) for source in sources if source.schema == "file"], reports)

    def remember(self, job: Job, key: str) -> None:
        """Writes down a job that is done; `key` is `config_key` of its configuration as it was composed."""
        held = [name for names in job.artifacts.values() for name in names if self.store.holds(name)]
        facts = {"key": key, "config": job.config, "artifacts": job.artifacts, "held": held}
        if not (held and key):
            return
        page = self._page(key)
        try:
            page.parent.mkdir(parents=True, exist_ok=True)
            write_json(page, facts | {"files": _files(job.config, job.artifacts)})
            self._note(job.overrides, key)
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
                raise
            log.info("%s cannot be written to; a sweep will look at this job again", self.store.root)

    def find(self, job: Job, compose: Callable[[list[str]], Mapping[str, Any]]) -> bool:
        """Returns whether a job with this configuration is done; then fills in its configuration and artifacts.

        A page that is damaged, or names a component that neither the configuration files nor the overrides do, counts
        for nothing: the job is started and writes it anew.

        Args:
            job: its configuration is filled in wherever it had to be composed.
            compose: returns the configuration of a job with these overrides.
        """
        if not self._pages.is_dir():
            return False
        noted = self._noted(job.overrides)
        if not noted:
            job.config = compose(job.overrides)
        key = noted or config_key(job.config)
        page = self._page(key)
        if not key or not page.is_file():
            return False
        try:
            facts = json.loads(page.read_text())
            same = facts["key"] == key and facts["files"] == _files(facts["config"], facts["artifacts"])
            if not same or not all(map(self.store.holds, facts["held"])):
                return False
            if not self._leads_home(facts["config"]):
                log.warning("%s writes elsewhere than this command; its job is looked at again", page)
                return False
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("%s cannot be read (%r); its job is looked at again", page, error)
            return False
        if foreign := find_foreign(facts["config"], self.components(*job.overrides)):
            log.warning("%s asks for %r, which no configuration file names; its job is looked at again", page, foreign)
            return False
        if not noted:
            self._note(job.overrides, key)
        job.config, job.artifacts, job.status, job.error = facts["config"], facts["artifacts"], "done", ""
        return True

    def _leads_home(self, config: Mapping[str, Any]) -> bool:
        """Whether a job's record names the store and reports of this command; the summary writes to those."""
        folder = config["stage"].get("report", {}).get("folder", self.reports)
        inside = not self.reports or Path(os.path.normpath(folder)).is_relative_to(os.path.normpath(self.reports))
        return inside and config.get("store", self.store.root) == self.store.root

    def components(self, *texts: str) -> frozenset[str]:
        """The components that the configuration files, or further texts of the command, name."""
        return self._known | find_components([], *texts)

    @cached_property
    def _known(self) -> frozenset[str]:
        return find_components(self.conf)

    @property
    def _pages(self) -> Path:
        return Path(self.store.root, "jobs")

    def _page(self, key: str) -> Path:
        return self._pages / f"{key}.json"

    def _of_words(self, overrides: Sequence[str]) -> Path:
        key = fingerprint({"overrides": list(overrides), "conf": [_signature(str(folder)) for folder in self.conf]})
        return self._pages / "typed" / f"{key}.json"

    def _noted(self, overrides: Sequence[str]) -> str:
        """The key that these overrides had with these very configuration files; empty if they were never composed."""
        try:
            key = json.loads(self._of_words(overrides).read_text())["key"]
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return ""
        return key if isinstance(key, str) and re.fullmatch(r"[0-9a-f]+", key) else ""

    def _note(self, overrides: Sequence[str], key: str) -> None:
        note = self._of_words(overrides)
        note.parent.mkdir(parents=True, exist_ok=True)
        write_json(note, {"key": key})


def key_of(cfg: DictConfig) -> str:
    """Returns the `config_key` of a job before a run fills anything in; empty where it cannot be resolved."""
    try:
        return config_key(as_plain(cfg))
    except OmegaConfBaseException:
        return ""


def config_key(config: Mapping[str, Any]) -> str:
    """Returns a digest of all settings of a composed configuration that can change what a job makes; empty for none.

    Comments, the order of keys and the files they stand in do not count, nor does what a run fills in.
    """
    told = {name: value for name, value in config.items() if name not in FILLED_IN}
    return fingerprint(told) if told else ""


def forget_signatures() -> None:
    """Forgets what files looked like; called once before a sweep's jobs are looked up."""
    _signature.cache_clear()


def _files(config: Mapping[str, Any], stages: Iterable[str]) -> dict[str, str]:
    """The files and folders that the arguments of these stages name, and what they look like now."""
    found = {text: _signature(text) for name in stages for text in _texts(config["stage"][name])}
    return {text: signature for text, signature in sorted(found.items()) if signature}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        parts: Iterable[Any] = value.values() if isinstance(value, dict) else value
        for part in parts:
            yield from _texts(part)


@cache
def _signature(text: str) -> str:
    """A text that changes with names, sizes and times of the files at a path; empty where there is nothing."""
    path = Path(text)
    try:
        files = sorted(islice(path.rglob("*"), MOST + 1)) if path.is_dir() else [path]
        if len(files) > MOST:  # nobody's data: a page may name any folder, the root of the disk too
            return ""
        facts = [(str(one.relative_to(path)), one.stat().st_size, one.stat().st_mtime_ns) for one in files]
    except (OSError, ValueError):
        return ""
    return fingerprint(facts) if text not in ("", ".") else ""
