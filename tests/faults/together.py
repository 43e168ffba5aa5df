"""Several commands at once on one store; prints how each ended and what was made more than once.

python -m tests.faults.together FOLDER [CASE ...]
"""

import json
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from sppl.artifacts import store as artifacts
from tests.conftest import QUICK, ROOT
from tests.faults.loop_and_die import COMMAND, damaged, ended, start, undisturbed

Meanwhile = Callable[[list[int], Path], object]
"""What is done to the processes, given their ids and the store."""


def command(strategies: str, *more: str, metrics: str = "sppl,length") -> list[str]:
    return [*QUICK, f"strategy=[{strategies}]", f"metric=[{metrics}]", "name=loop", *more]


DIFFERENT = [
    command("gpt4,claude"),
    command("claude,gpt4", metrics="length,perplexity"),
    command("gpt4", "seed=1"),
    command("gpt4,claude", "stage=[export]"),
]
"""Commands that need the same artifacts, and some of their own; the first is that of the undisturbed run."""


def nothing(_: list[int], __: Path) -> None:
    return


def begun(store: Path, kind: str, pids: list[int]) -> int:
    """Waits until somebody makes an artifact of that kind; returns the process that holds its lock."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        for pid in pids:
            try:
                files = [one.path for one in psutil.Process(pid).open_files()]
            except psutil.Error:
                continue
            if any(path.startswith(f"{store}/{kind}/") and path.endswith(".lock") for path in files):
                return pid
        time.sleep(0.01)
    raise TimeoutError(f"nobody made {kind}")


def stop(seconds: float) -> Meanwhile:
    def stopped(pids: list[int], store: Path) -> None:
        pid = begun(store, "adapters", pids)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    return stopped


def kill(pids: list[int], store: Path) -> None:
    os.kill(begun(store, "adapters", pids), signal.SIGKILL)


def other_version() -> None:
    artifacts.FORMAT += 1


CASES: dict[str, tuple[list[list[str]], Meanwhile, list[Callable[[], None]]]] = {
    "the same command four times": ([COMMAND] * 4, nothing, []),
    "different commands": (DIFFERENT, nothing, []),
    "the holder of a lock stopped for 5 s and continued": ([COMMAND] * 2, stop(5), []),
    "the holder of a lock killed": ([COMMAND] * 3, kill, []),
    "two versions of the project": ([COMMAND] * 2, nothing, [lambda: None, other_version]),
}


def alike(one: bytes, other: bytes) -> bool:
    """Whether two tables are the same; of a number the last digits depend on what was scored with it."""
    found, expected = (pd.read_csv(BytesIO(table)) for table in (one, other))
    return found.shape == expected.shape and np.allclose(
        found.select_dtypes("number"), expected.select_dtypes("number"), rtol=1e-6, equal_nan=True
    )


def tried(folder: Path, case: str, table: bytes) -> dict[str, Any]:
    """How all of them ended."""
    commands, meanwhile, versions = CASES[case]
    store, homes = folder / "store", [folder / str(number) for number in range(len(commands))]
    pids = []
    for number, (home, typed) in enumerate(zip(homes, commands, strict=True)):
        home.mkdir(parents=True)
        prepare = versions[number] if versions else lambda: None
        pids.append(start(home, home / "said.txt", prepare, [*typed, f"exports={home}"], store))
    meanwhile(pids, store)
    statuses = [ended(pid, 250) for pid in pids]
    said = [(home / "said.txt").read_text() for home in homes]
    tables = [home / "loop" / "table.csv" for home in homes]
    made = Counter(re.findall(r"artifacts\.store: (\S+): (?:\d+ rows|[\d.]+ MB)", "".join(said)))
    return {
        "case": case,
        "statuses": statuses,
        "same": [path.is_file() and alike(path.read_bytes(), table) for path in tables],
        "twice": sorted(name for name, times in made.items() if times > 1),
        "broken": damaged(store),
        "tracebacks": "".join(said).count("Traceback"),
        "last": [text.strip().splitlines()[-1:] for text in said],
    }


def main() -> None:
    root, names = Path(sys.argv[1]), sys.argv[2:] or list(CASES)
    os.chdir(ROOT)
    table, _ = undisturbed(root / "whole")
    sys.stdout.write(json.dumps([tried(root / str(number), name, table) for number, name in enumerate(names)]))


if __name__ == "__main__":
    main()
