"""Runs a small loop where the machine lacks something, then again where it does not; prints what came of it.

    python -m tests.faults.lack_and_go_on FOLDER CASES

CASES is a JSON list of what is lacking: `["fsize", N]` no file may grow over N bytes, `["disk", "N"]` all lies on a
disk of that size, `["read_only", "store"]` that folder (`store`, `loop`: the report's, `run`) cannot be written to,
`["memory", N]` the process may map N further bytes.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.faults.loop_and_die import damaged, ended, start, undisturbed


@contextmanager
def mounted(folder: Path, how: str) -> Iterator[None]:
    """A file system in memory over the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", how, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def limited(kind: str, size: int) -> None:
    """Limits this process."""
    if kind == "memory":
        used = psutil.Process().memory_info().vms
        resource.setrlimit(resource.RLIMIT_AS, (used + size, used + size))
    elif kind == "fsize":
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def tried(folder: Path, kind: str, what: str | int) -> dict:
    """What the run says and artifacts that lacks something, and whether the next one goes on."""
    folder.mkdir(exist_ok=True)
    said, again = folder.with_suffix(".txt"), folder.with_suffix(".again.txt")

    def lacking() -> int | None:
        return ended(start(folder, said, lambda: limited(kind, int(what)) if isinstance(what, int) else None), 600)

    def report() -> dict:
        broken = damaged(folder / "store")
        went_on = ended(start(folder, again), 600)
        table = folder / "loop" / "table.csv"
        return {"broken": broken, "again": went_on, "table": table.read_text() if table.is_file() else ""}

    if kind == "read_only":
        with mounted(folder / {"run": "run0"}.get(str(what), str(what)), "ro"):
            status = lacking()
        rest = report()
    elif kind == "disk":
        with mounted(folder, f"size={what}"):
            status = lacking()
            subprocess.run(["mount", "-o", "remount,size=1g", str(folder)], check=True)
            rest = report()
    else:
        status = lacking()
        rest = report()
    return {"case": [kind, what], "status": status, "said": said.read_text(), **rest}


def main() -> None:
    root, cases = Path(sys.argv[1]), json.loads(sys.argv[2])
    table, _ = undisturbed(root / "whole")
    results = [tried(root / str(number), *case) for number, case in enumerate(cases)]
    sys.stdout.write(json.dumps([{**one, "table": one["table"] == table.decode()} for one in results]))


if __name__ == "__main__":
    main()
