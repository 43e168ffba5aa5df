"""Runs a small loop again and again in child processes that get signals at random moments; prints what came of it.

    python -m tests.faults.loop_and_die FOLDER SIGNALS N SEED

The same command goes on in the same store until it comes to its end; then its table is compared with that of a run
that nobody disturbed, and the next round begins with an empty store, until N processes were hit. SIGNALS are taken in
turn, e.g. `KILL` or `INT,TERM`. Everything heavy is imported once, before the processes are forked.
"""

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from sppl.artifacts.store import Store
from sppl.cli.main import main as command
from sppl.schemas import UserError
from tests.conftest import QUICK

STRATEGIES = ("gpt4", "claude")
COMMAND = [*QUICK, f"strategy=[{','.join(STRATEGIES)}]", "metric=[sppl,length]", "name=loop"]
STAGES = {"responses": 2, "predictions": 1, "token_stats": 4, "adapters": 2, "results": 3, "rankings": 1}
"""The kinds of artifacts in the order in which they are made, and how many there are in the end."""


def start(
    folder: Path,
    said: Path,
    prepare: Callable[[], None] = lambda: None,
    typed: Sequence[str] = COMMAND,
    store: Path | None = None,
) -> int:
    """What is typed, in a process of its own, which first prepares itself; returns its id."""
    pid = os.fork()
    if pid:
        return pid
    out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    prepare()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    number = len(list(folder.glob("run*/job.json")))
    places = [f"store={store or folder / 'store'}", f"reports={folder}", f"hydra.run.dir={folder}/run{number}"]
    sys.argv = ["run.py", *typed, *places]
    try:
        code = command()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
        sys.stderr.write(f"{stop.code}\n")
    finally:
        sys.stderr.flush()
    os._exit(code)


def ended(pid: int, within: float) -> int | None:
    """The status of a process, as shells say it; None while it runs."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    return None


def damaged(store: Path) -> list[str]:
    """The artifacts that are not what was written."""
    found = []
    for path in store.rglob("*-????????.json"):
        name = path.relative_to(store).with_suffix("").as_posix()
        artifacts = Store(str(store))
        try:
            if artifacts.holds(name):
                artifact = artifacts.open(name)
                artifacts.read(artifact) if artifact.is_table else artifacts.whole(artifact)
        except UserError as error:
            found.append(str(error))
    return found


def stage(store: Path) -> str:
    """What was being made."""
    for kind, number in STAGES.items():
        if len(list((store / kind).rglob("*-????????.json"))) < number:
            return kind
    return "report"


def undisturbed(folder: Path, typed: Sequence[str] = COMMAND) -> tuple[bytes, float]:
    """The table of a run that nobody disturbs, and its seconds."""
    for name in ("torch", "pytorch_lightning", "peft", "lm_eval", "datasets", "transformers", "sppl.stages.report"):
        import_module(name)
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    assert ended(start(folder, folder / "said.txt", typed=typed), 600) == 0, (folder / "said.txt").read_text()
    return (folder / "loop" / "table.csv").read_bytes(), time.monotonic() - begun


def main() -> None:
    root, names, wanted = Path(sys.argv[1]), sys.argv[2].split(","), int(sys.argv[3])
    draw = random.Random(sys.argv[4])
    table, length = undisturbed(root / "whole")
    moments: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    wrong, rounds, slowest, hit = [], 0, 0.0, 0
    while hit < wanted or stage(root / str(rounds) / "store") != "responses":
        folder = root / str(rounds)
        folder.mkdir(exist_ok=True)
        pid = start(folder, folder / "said.txt")
        status = ended(pid, draw.uniform(0.2, length) if hit < wanted else 600)
        if status is None:
            os.kill(pid, signal.SIGSTOP)  # so that it cannot end between this look and the signal
            status = ended(pid, 0.05)
        if status is None:
            number = signal.Signals[f"SIG{names[hit % len(names)]}"]
            os.kill(pid, number)
            os.kill(pid, signal.SIGCONT)
            sent = time.monotonic()
            status = ended(pid, 60)
            slowest = max(slowest, time.monotonic() - sent)
            hit += 1
            statuses[f"{number.name} {status}"] += 1
            moments[stage(folder / "store")] += 1
            wrong += damaged(folder / "store")
        elif status == 0:
            same = (folder / "loop" / "table.csv").read_bytes() == table
            wrong += [] if same else [f"round {rounds}: another table"]
            rounds += 1
        else:
            wrong.append(f"round {rounds}: status {status}")
            rounds += 1
    said = "".join(path.read_text() for path in root.glob("*/said.txt"))
    sys.stdout.write(
        json.dumps({
            "hit": hit, "rounds": rounds, "statuses": statuses, "moments": moments, "wrong": wrong,
            "slowest": round(slowest, 2), "length": round(length, 2), "tracebacks": said.count("Traceback"),
        })
    )  # fmt: skip


if __name__ == "__main__":
    main()
