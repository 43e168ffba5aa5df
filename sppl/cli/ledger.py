"""The ledger: which jobs are done, found again by what was typed, so that a sweep need not start them a second time."""

import errno
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from sppl.artifacts.provenance import fingerprint, write_json
from sppl.artifacts.store import Store
from sppl.cli.foreign import components_named, foreign_in
from sppl.cli.jobs import Job

log = logging.getLogger(__name__)

MOST = 100_000
"""Files of a folder that are looked at."""


@dataclass(frozen=True)
class Ledger:
    """One file per job in the store's folder `jobs`.

    A job counts as done as long as its overrides, the configuration files, and the files and folders that its
    configuration names are what they were, and every leaf it found or made is still there. One without leaves (it only
    asked teachers, or exported) never counts as done; it finds out itself what there is.

    Args:
        store: where the jobs' leaves are.
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

    def remember(self, job: Job) -> None:
        """Writes down a job that is done."""
        held = [name for names in job.leaves.values() for name in names if self.store.holds(name)]
        facts = {"overrides": job.overrides, "config": job.config, "leaves": job.leaves, "held": held}
        if not held:
            return
        page = self._page(job.overrides)
        try:
            page.parent.mkdir(parents=True, exist_ok=True)
            write_json(page, facts | {"files": _files(job.config, job.leaves)})
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
                raise
            log.info("%s cannot be written to; a sweep will look at this job again", self.store.root)

    def find(self, job: Job) -> bool:
        """Whether a job with these overrides is done; then its configuration and leaves are filled in.

        A page that is damaged, or names a component that neither the configuration files nor the overrides do, counts
        for nothing: the job is started and writes it anew.
        """
        page = self._page(job.overrides)
        if not page.is_file():
            return False
        try:
            facts = json.loads(page.read_text())
            same = facts["overrides"] == job.overrides and facts["files"] == _files(facts["config"], facts["leaves"])
            if not same or not all(map(self.store.holds, facts["held"])):
                return False
            if not self._leads_home(facts["config"]):
                log.warning("%s writes elsewhere than this command; its job is looked at again", page)
                return False
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("%s cannot be read (%r); its job is looked at again", page, error)
            return False
        if foreign := foreign_in(facts["config"], self.components(*job.overrides)):
            log.warning("%s asks for %r, which no configuration file names; its job is looked at again", page, foreign)
            return False
        job.config, job.leaves, job.status, job.error = facts["config"], facts["leaves"], "done", ""
        return True

    def _leads_home(self, config: Mapping[str, Any]) -> bool:
        """Whether a job's record names the store and reports of this command: the summary writes where it says."""
        folder = config["stage"].get("report", {}).get("folder", self.reports)
        inside = not self.reports or Path(os.path.normpath(folder)).is_relative_to(os.path.normpath(self.reports))
        return inside and config.get("store", self.store.root) == self.store.root

    def components(self, *texts: str) -> frozenset[str]:
        """The components that the configuration files, or further texts of the command, name."""
        return self._known | components_named([], *texts)

    @cached_property
    def _known(self) -> frozenset[str]:
        return components_named(self.conf)

    def _page(self, overrides: list[str]) -> Path:
        key = fingerprint({"overrides": overrides, "conf": [_signature(str(folder)) for folder in self.conf]})
        return Path(self.store.root, "jobs", f"{key}.json")


def fresh() -> None:
    """Looks at files anew; called once before a sweep's jobs are looked up."""
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
    """Changes with names, sizes and times of the files there; empty where there is nothing."""
    path = Path(text)
    try:
        files = sorted(islice(path.rglob("*"), MOST + 1)) if path.is_dir() else [path]
        if len(files) > MOST:  # nobody's data: a page may name any folder, the root of the disk too
            return ""
        facts = [(str(one.relative_to(path)), one.stat().st_size, one.stat().st_mtime_ns) for one in files]
    except (OSError, ValueError):
        return ""
    return fingerprint(facts) if text not in ("", ".") else ""
