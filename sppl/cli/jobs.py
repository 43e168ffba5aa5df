"""The record of one job of a run or a sweep, `job.json` in its folder; the summary of a sweep reads nothing else."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sppl.artifacts.provenance import write_json
from sppl.cli.foreign import refuse_foreign
from sppl.schemas import UserError

STOPPED = "it was stopped before its end; its run.log says how far it came"
UNBORN = "it never began: stopped before, or the launcher lost it"


STAGES = {
    "generate": "job",
    "predict": "job",
    "score": "job",
    "shortlist": "job",
    "pilot_finetune": "job",
    "pilot_benchmark": "job",
    "finetune": "job",
    "benchmark": "job",
    "export": "job",
    "beds": "job",
    "rank": "sweep",
    "report": "sweep",
}
"""Every stage in the order they run, and whether it runs in each job or once over a whole sweep."""


KINDS = {"overrides": list, "config": dict, "status": str, "error": str, "artifacts": dict, "plans": dict}
"""The type of each field of a record."""


@dataclass
class Job:
    """One job with its configuration and its status.

    The status is `not started` once a sweep has planned the job, then `interrupted` until it is `done`, `failed` or
    `crashed`; so the record is true however the process ends.

    Args:
        folder: where `job.json`, the log and the loggers' files of this job lie.
        overrides: what its command line changed.
        config: the resolved configuration.
        artifacts: names of the artifacts that each stage found or made.
        plans: what each stage found and was to make when the job began (`Plan`); none of a job that was done before.
    """

    folder: Path
    overrides: list[str]
    config: Mapping[str, Any] = field(default_factory=dict)
    status: str = "interrupted"
    error: str = STOPPED
    artifacts: dict[str, list[str]] = field(default_factory=dict)
    plans: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self) -> None:
        """Writes the record; it is whole at every moment."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / "job.json", {key: value for key, value in vars(self).items() if key != "folder"})

    def done(self, artifacts: dict[str, list[str]]) -> None:
        """Records that the job is done."""
        self.status, self.error, self.artifacts = "done", "", artifacts
        self.write()

    def failed(self, error: str) -> None:
        """Records in a sentence why the job failed; where that cannot be written, it stays `interrupted`.

        Where the sentence is about a bug, the status is `crashed`.
        """
        self.status, self.error = ("crashed" if error.startswith("crashed") else "failed"), error
        with suppress(OSError):  # a full disk, most likely, is what it failed by
            self.write()

    def lost(self, reason: str) -> None:
        """Adds a reason to the record of a job that neither succeeded nor failed; a worker may have written it."""
        record = json.loads((self.folder / "job.json").read_text())
        if record["status"] not in ("done", "failed", "crashed"):
            Job(self.folder, **(record | {"error": f"{record['error']}; {reason}"})).write()

    def gap(self) -> dict[str, Any]:
        """Returns what is missing in a report because this job is not done."""
        names = {key: (self.config.get(key) or {}).get("name", "") for key in ("benchmark", "target_model")}
        job = " ".join(self.overrides) or "this run"
        return {"job": job, "status": self.status, "error": self.error, "strategies": self.strategies, **names}

    @property
    def strategies(self) -> list[str]:
        """The names of its strategies; of files those that were chosen, none where all of a folder's are."""
        chosen = self.config.get("strategy") or {}
        return list(chosen.get("only") or [] if "_target_" in chosen else chosen)


def jobs_in(folder: Path, first: int, known: frozenset[str]) -> list[Job]:
    """The job of a run's folder, or the jobs of a sweep's folder from a number on, in the order of their numbers.

    Args:
        known: the components that may be called; others than we may write to the folder.

    Raises:
        UserError: a record is broken, or names another component.
    """
    numbers = [number for number in _numbers(folder) if number >= first]
    folders = [folder] if (folder / "job.json").is_file() else [folder / str(number) for number in numbers]
    return [_read(one, known) for one in folders]


def _read(folder: Path, known: frozenset[str]) -> Job:
    record = folder / "job.json"
    try:
        job = Job(folder, **json.loads(record.read_text()))
        if wrong := [name for name, kind in KINDS.items() if not isinstance(getattr(job, name), kind)]:
            raise TypeError(f"{', '.join(wrong)} of another kind")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UserError(
            f"{record} is broken ({error}); remove {folder} and run the same command again, what is done is found"
        ) from None
    refuse_foreign(record, job.config, known)
    return job


def next_number(folder: Path) -> int:
    """Returns the first number that no job of the sweep's folder has, so that earlier jobs stay as they are."""
    return max(_numbers(folder), default=-1) + 1


def _numbers(folder: Path) -> list[int]:
    return sorted(int(path.name) for path in folder.glob("[0-9]*") if path.name.isdigit())


def stages(config: Mapping[Any, Any], where: str) -> list[str]:
    """The chosen stages that run per `job` or per `sweep`, in the order they run."""
    return [name for name, place in STAGES.items() if place == where and name in config["stage"]]
