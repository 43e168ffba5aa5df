"""Odd places and environments that a command is typed in, each by what is different there.

    python -m tests.faults.places FOLDER [NAME ...]

runs the small loop of `COMMAND` in each of them (or in those named) and prints how it ended.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import QUICK, ROOT

COMMAND = [*QUICK, "stage=[generate,score,rank,report]", "strategy=[gpt4,claude]", "metric=[length]"]
SHIM = Path(__file__).with_name("no_locks.c")


@dataclass(frozen=True)
class Place:
    """What is different.

    Args:
        shell: how the command is started; `"$@"` is the command.
        environment: variables; None takes one away.
        python: options of Python.
        folder: the name of the folder it is typed in.
        arguments: further ones.
        status: with which it has to end.
        says: what has to stand in what it says where it ends with another status than 0.
    """

    shell: str = '"$@"'
    environment: Mapping[str, str | None] = field(default_factory=dict)
    python: tuple[str, ...] = ()
    folder: str = "here"
    arguments: tuple[str, ...] = ()
    status: int = 0
    says: str = ""


def lacking(error: str, says: str = "locks", status: int = 1) -> Place:
    """A file system that answers every lock with an error."""
    shim = '"$PWD/no_locks.so"'
    build = f'gcc -shared -fPIC -DANSWER={error} -o {shim} "$SHIM" && LD_PRELOAD={shim} "$@"'
    return Place(build, status=status, says=says)


def in_own_mounts(before: str) -> str:
    """What starts the command after mounting something that nobody else sees; empty where that is not allowed."""
    allowed = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0
    return f'unshare -m /bin/bash -c \'{before} "$@"\' bash "$@"' if allowed else '"$@"'


HOME = {"HOME": None, "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None, "MPLCONFIGDIR": None, "HF_HOME": None}
LONG = "/".join(["a" * 100] * 20)

PLACES: dict[str, Place] = {
    "undisturbed": Place(),
    "LANG=C": Place(environment={"LANG": "C", "LC_ALL": None}),
    "LC_ALL=POSIX, UTF-8 mode off": Place(
        environment={"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ),
    "a locale that is not there": Place(environment={"LC_ALL": "xx_YY.UTF-8", "LANG": "xx_YY"}),
    "PYTHONIOENCODING=ascii": Place(environment={"PYTHONIOENCODING": "ascii"}),
    "PYTHONIOENCODING=utf-16": Place(environment={"PYTHONIOENCODING": "utf-16"}),
    "time zone +14": Place(environment={"TZ": "Pacific/Kiritimati"}),
    "time zone -12": Place(environment={"TZ": "Etc/GMT+12"}),
    "time zone of 45 minutes": Place(environment={"TZ": "Asia/Kathmandu"}),
    "a time zone that is none": Place(environment={"TZ": "No/Where"}),
    "umask 077": Place('umask 077; "$@"'),
    "umask 000": Place('umask 000; "$@"'),
    "python -O": Place(python=("-O",)),
    "python -OO": Place(python=("-OO",), status=1, says="use python or python -O"),
    "python -B without __pycache__": Place(python=("-B",)),
    "python -X dev": Place(python=("-X", "dev")),
    "hash seed 0": Place(environment={"PYTHONHASHSEED": "0"}),
    "hash seed 4242": Place(environment={"PYTHONHASHSEED": "4242"}),
    "a folder with blanks": Place(folder="my own  folder "),
    "a folder with both quotes": Place(folder="it's \"quoted\""),
    "a folder with umlauts, Chinese and emoji": Place(folder="ünï 中文 🙂"),
    "a folder with a composed accent": Place(folder="u\u0308ber"),
    "a folder with a newline": Place(folder="two\nlines"),
    "a folder with =, commas, brackets, $": Place(folder="a=b,c[1]{x}(y)$HOME"),
    "a folder with a reference to a setting": Place(folder="${oc.env:HOME}", status=1, says="use a folder without it"),
    "a folder with a star, a question mark, a backslash": Place(folder="a*b?c\\d"),
    "a folder that begins with a dash": Place(folder="-rf"),
    "a folder with a hash and a percent sign": Place(folder="50% #1"),
    "a folder whose name is no UTF-8": Place(folder="\udcff\udcfe", status=1, says="is no UTF-8"),
    "an argument that is no UTF-8": Place(arguments=("name=\udcff",), status=1, says="is no UTF-8"),
    "a path of 2,000 characters": Place(folder=LONG),
    "a path beyond what the system takes": Place(
        arguments=(f"store={LONG}/{LONG}/{LONG}",), status=1, says="too long"
    ),
    "64 open files": Place('ulimit -n 64; "$@"'),
    "20 processes' worth of stack": Place('ulimit -s 1024; "$@"'),
    "no core, no locked memory": Place('ulimit -c 0 -l 0; "$@"'),
    "a home that is not there": Place(environment={**HOME, "HOME": "/nowhere/at/all"}),
    "a home that is a file": Place(environment={**HOME, "HOME": "/etc/hostname"}),
    "HOME unset": Place(environment=HOME),
    "HOME empty": Place(environment={**HOME, "HOME": ""}),
    "a home that cannot be written to": Place(
        in_own_mounts('mkdir h; mount -t tmpfs -o ro tmpfs h; HOME="$PWD/h"'), environment=HOME
    ),
    "a /dev/shm of 64 kB": Place(in_own_mounts("mount -t tmpfs -o size=64k tmpfs /dev/shm;")),
    "no TMPDIR": Place(environment={"TMPDIR": None}),
    "TMPDIR that is not there": Place(environment={"TMPDIR": "/nowhere/at/all"}),
    "TMPDIR that is a file": Place(environment={"TMPDIR": "/etc/hostname"}),
    "TMPDIR with a blank and a quote": Place('mkdir -p "t m\'p"; TMPDIR="$PWD/t m\'p" "$@"'),
    "no PATH": Place(environment={"PATH": "/nowhere"}, shell='"$@"'),
    "an empty environment": Place('exec /usr/bin/env -i PYTHONPATH="$PYTHONPATH" OMP_NUM_THREADS=1 "$@"'),
    "no terminal, no session": Place('setsid --wait "$@" < /dev/null'),
    "TERM=dumb": Place(environment={"TERM": "dumb"}),
    "TERM unset, COLUMNS=1": Place(environment={"TERM": None, "COLUMNS": "1"}),
    "COLUMNS that is no number": Place(environment={"COLUMNS": "wide"}),
    "NO_COLOR and FORCE_COLOR": Place(environment={"NO_COLOR": "1", "FORCE_COLOR": "1"}),
    "standard input closed": Place('"$@" <&-'),
    "standard output closed": Place('"$@" >&-'),
    "standard error closed": Place('"$@" 2>&-'),
    "all three closed": Place('"$@" <&- >&- 2>&-'),
    "standard output a broken pipe": Place('set -o pipefail; "$@" | true'),
    "standard error a broken pipe": Place('set -o pipefail; { "$@" 2>&1 >&3 | true; } 3>&1'),
    "standard output a full disk": Place('"$@" > /dev/full', status=1, says="there is no room left to write"),
    "standard output read by head": Place('set -o pipefail; "$@" 2>&1 | head -n 1'),
    "SIGPIPE ignored, SIGHUP ignored": Place("trap '' PIPE HUP; \"$@\" | cat"),
    "nice 19": Place('nice -n 19 "$@"'),
    "one processor": Place('taskset -c 0 "$@"'),
    "OMP_NUM_THREADS that is no number": Place(environment={"OMP_NUM_THREADS": "many"}),
    "OMP_NUM_THREADS=64": Place(environment={"OMP_NUM_THREADS": "64"}),
    "a working folder that was removed": Place(
        'mkdir gone; cd gone; rmdir "$PWD"; "$@"', status=1, says="folder"
    ),
    "a module called random.py beside it": Place("printf 'raise SystemExit(7)' > random.py; \"$@\""),
    "a pip.conf, a .env, a conf folder beside it": Place('mkdir -p conf; echo "name: evil" > conf/config.yaml; "$@"'),
    "locks that answer ENOLCK": lacking("ENOLCK"),
    "locks that answer EOPNOTSUPP": lacking("EOPNOTSUPP"),
    "locks that answer EIO": lacking("EIO", "a disk does not answer as it should"),
    "locks that answer ENOSYS": lacking("ENOSYS", status=0),
}  # fmt: skip


@dataclass(frozen=True)
class End:
    """How a command ended: its status, what it said, and its table."""

    status: int
    said: str
    table: bytes


def tried(folder: Path, place: Place, *arguments: str) -> End:
    """Types the command there."""
    here = folder / place.folder
    here.mkdir(parents=True, exist_ok=True)
    changed = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "WANDB_MODE": "offline", "SHIM": str(SHIM)}
    environment = {**os.environ, **changed, **place.environment}
    command = [sys.executable, *place.python, str(ROOT / "run.py"), *COMMAND, *place.arguments, *arguments]
    with (folder / "said.txt").open("wb") as said:
        done = subprocess.run(
            ["/bin/bash", "-c", place.shell, "bash", *command],
            cwd=here, stdout=said, stderr=said, stdin=subprocess.DEVNULL, timeout=900, check=False,
            env={name: value for name, value in environment.items() if value is not None},
        )  # fmt: skip
    table = here / "outputs" / "reports" / "default" / "table.csv"
    text = (folder / "said.txt").read_text(errors="backslashreplace")
    return End(done.returncode, text, table.read_bytes() if table.is_file() else b"")


def main() -> None:
    root, names = Path(sys.argv[1]), sys.argv[2:] or list(PLACES)
    whole = tried(root / "whole", PLACES["undisturbed"]).table
    for number, name in enumerate(names):
        end = tried(root / str(number), PLACES[name])
        same = "same table" if end.table == whole else "another table" if end.table else "no table"
        last = end.said.strip().splitlines()[-1:] if end.status else []
        traceback = ", a traceback" if "Traceback" in end.said else ""
        sys.stdout.write(f"{name} | status {end.status}, {same}{traceback} {last}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
