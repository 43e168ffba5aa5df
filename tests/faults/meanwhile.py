"""Runs a small loop to which something happens at a certain moment, then again undisturbed; prints what came of it.

    python -m tests.faults.meanwhile FOLDER [CASE ...]

A moment is the first artifact of a kind that is written: just before its provenance (`opens`), between provenance and
data (`seals`), or once it is whole (`made`). Everything heavy is imported once, before the processes are forked.
"""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sppl.artifacts import provenance, store
from sppl.artifacts.store import ArtifactId, Store
from tests.conftest import ROOT
from tests.faults.loop_and_die import damaged, ended, start, undisturbed

Act = Callable[[Path, Path], object]
"""What happens: to the folder that all is in, and to the artifact's data."""
KINDS = ("responses", "verdicts", "predictions", "token_stats", "adapters", "answers", "results", "scores", "rankings")
SOME = ("responses", "predictions", "adapters", "rankings")


def at(moment: str, kind: str, folder: Path, act: Act) -> None:
    """Makes this process do something at the first such moment."""
    once: list[bool] = []

    def now(artifact: ArtifactId, when: str, path: Path) -> None:
        if artifact.kind == kind and when == moment and not once:
            once.append(True)
            act(folder, path)

    seal, write_json = Store._seal, store.write_json

    def sealed(self: Store, artifact: ArtifactId, made: Path, *rest: Any) -> None:
        path = self.path(artifact)

        def written(file: Path, value: Any) -> None:
            now(artifact, "opens", path)
            write_json(file, value)
            now(artifact, "seals", path)

        store.write_json = written if artifact.kind == kind else write_json
        seal(self, artifact, made, *rest)
        store.write_json = write_json
        now(artifact, "made", path)

    def parts(self: Store, artifact: ArtifactId) -> Path:
        made = begun(self, artifact)
        now(artifact, "begun", made)
        return made

    begun = Store.parts
    Store._seal, Store.parts = sealed, parts  # type: ignore[method-assign]


def die(_: Path, __: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def remove(what: str) -> Act:
    """Takes a file or a folder away: a path below the folder, or a part of the artifact."""

    def removed(folder: Path, data: Path) -> None:
        own = {"data": data, "provenance": data.with_name(data.name.removesuffix(".parquet") + ".json")}
        for path in [own[what]] if what in own else sorted(folder.glob(what)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return removed


def clock(seconds: float) -> Act:
    """Sets the clock that this process sees."""

    def moved(_: Path, __: Path) -> None:
        real, real_ns = time.time, time.time_ns
        time.time, time.time_ns = lambda: real() + seconds, lambda: real_ns() + int(seconds * 1e9)

    return moved


def touched(moment: float) -> Act:
    """Gives every file there is another time."""

    def touch(folder: Path, _: Path) -> None:
        for path in (folder / "store").rglob("*"):
            os.utime(path, (moment, moment))

    return touch


def paused(_: Path, __: Path) -> None:
    """Stops this process as Ctrl-Z does; whoever waits for it lets it go on a second later."""
    if not os.fork():
        time.sleep(1)
        os.kill(os.getppid(), signal.SIGCONT)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGSTOP)


def half(folder: Path, data: Path) -> None:
    """Cuts what was written last in two."""
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])


def other_format(folder: Path, _: Path) -> None:
    """Another version of the project begins to write to the store."""
    provenance.write_json(folder / "store" / "store.json", {"format": store.FORMAT + 1})


CASES: dict[str, tuple[str, str, Act]] = {
    **{f"kill -9 between provenance and data of {kind}": ("seals", kind, die) for kind in KINDS},
    **{f"kill -9 before {kind} are named": ("opens", kind, die) for kind in ("responses", "adapters")},
    **{f"kill -9 once {kind} are whole": ("made", kind, die) for kind in ("predictions", "adapters", "rankings")},
    **{f"the {kind} removed once written": ("made", kind, remove("data")) for kind in KINDS},
    **{f"the provenance of {kind} removed": ("made", kind, remove("provenance")) for kind in SOME},
    **{f"the provenance of {kind} removed before the data": ("seals", kind, remove("provenance")) for kind in SOME},
    **{f"the {kind} cut in two once written": ("made", kind, half) for kind in ("responses", "token_stats", "results")},
    **{f"the whole store removed once {kind} are written": ("made", kind, remove("store")) for kind in SOME},
    **{f"the pieces of {kind} removed": ("begun", kind, remove("data")) for kind in ("token_stats", "adapters")},
    "the locks removed": ("made", "token_stats", remove("store/**/*.lock")),
    "the store's mark removed": ("made", "token_stats", remove("store/store.json")),
    "the run's folder removed": ("made", "responses", remove("run0")),
    "the run's record removed": ("made", "responses", remove("run0/job.json")),
    "the run's log removed": ("made", "responses", remove("run0/run.log")),
    "the loggers' folder removed": ("made", "responses", remove("run0/csv")),
    "the report's folder removed": ("made", "rankings", remove("loop")),
    "the clock set back by a year": ("made", "responses", clock(-31e6)),
    "the clock set back to before 1970": ("made", "responses", clock(-time.time() - 1e6)),
    "the clock put forward by 100 years": ("made", "responses", clock(3.1e9)),
    "files dated in the year 2100": ("made", "token_stats", touched(4.1e9)),
    "files dated 1970": ("made", "token_stats", touched(0)),
    "stopped as by Ctrl-Z and continued, with locks held": ("seals", "predictions", paused),
    "stopped and continued while training": ("begun", "adapters", paused),
    "another version of the project marks the store": ("made", "token_stats", other_format),
}


def tried(folder: Path, case: str, table: bytes) -> dict[str, Any]:
    """What the disturbed run says and leaves, and whether the next one goes on to the same table."""
    moment, kind, act = CASES[case]
    folder.mkdir(parents=True)
    said = folder.with_suffix(".txt")
    status = ended(start(folder, said, lambda: at(moment, kind, folder, act)), 200)
    first, result = said.read_text(), folder / "loop" / "table.csv"
    same = result.is_file() and result.read_bytes() == table
    broken = damaged(folder / "store")
    again, rounds = None, 0
    while again != 0 and rounds < 2:  # a broken artifact is named first, and has to be removed
        before = said.stat().st_size
        again, rounds = ended(start(folder, said), 200), rounds + 1
        mended(folder, said.read_text()[before:]) if again else None
    went_on = again == 0 and result.read_bytes() == table
    return {
        "case": case,
        "status": status,
        "same": same,
        "said": first,
        "broken": broken,
        "rounds": rounds,
        "went_on": went_on,
    }


def mended(folder: Path, said: str) -> None:
    """Does what the message says: removes what is broken, or sets the store aside."""
    for path in folder.joinpath("store").rglob("*-????????*"):
        if f"{path} is broken" in said:
            remove(str(path.relative_to(folder)))(folder, path)
            path.with_name(path.name.removesuffix(".parquet") + ".json").unlink(missing_ok=True)
    if "mv " in said:
        shutil.rmtree(folder / "store")


def told(one: dict[str, Any]) -> str:
    """A line about a case."""
    facts = ", ".join(f"{key} {one[key]}" for key in ("status", "same", "rounds", "went_on"))
    last = one["said"].strip().splitlines()[-1:] if one["status"] not in (0, -9) else ""
    return (
        f"{one['case']} | {facts}, {len(one['broken'])} broken{', a traceback' * ('Traceback' in one['said'])} {last}"
    )


def main() -> None:
    root, names = Path(sys.argv[1]), sys.argv[2:] or list(CASES)
    os.chdir(ROOT)
    table, _ = undisturbed(root / "whole")
    found = []
    for number, name in enumerate(names):
        found.append(tried(root / str(number), name, table))
        sys.stderr.write(f"{told(found[-1])}\n")
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
