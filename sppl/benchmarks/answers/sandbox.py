"""A process for code that a model wrote: no network, no files of this machine but the Python it needs, small limits.

Linux only: bubblewrap where it is installed, else util-linux' `unshare` with a root folder of its own. Where neither
can cut the network, nothing runs at all.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sppl.schemas import UserError

MEMORY = 512 * 2**20
"""Bytes of address space of the process."""

DISK = 16 * 2**20
"""Bytes of its temporary folder, which lives in memory, and of any one file."""

_PYTHON = str(Path(sys.executable).resolve())

_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin", "/etc/ld.so.cache")
"""What the interpreter's shared libraries need; read-only."""


@dataclass(frozen=True)
class Trial:
    """A program, what stands before it, and the tests that it has to pass."""

    program: str
    setup: str = ""
    tests: Sequence[str] = ()


def passes(trials: Sequence[Trial], seconds: float = 10.0) -> bool:
    """Whether every program runs to its end without an exception and passes its tests, within the limits.

    Args:
        trials: each has names of its own. A program sees an empty temporary folder, the standard library and nothing
            else: no network, no other file, no environment, no second process, and not its tests. They run in a
            sandbox of their own, and what the program returns comes there as plain values.
        seconds: wall clock; processor time is limited to the same, rounded up.

    Raises:
        UserError: this machine cannot run it apart from the network and the files.
    """
    return _run(cage(), trials, seconds) == "done"


def runs(program: str, seconds: float = 10.0) -> bool:
    """The same of one program without tests."""
    return passes([Trial(program)], seconds)


def check() -> None:
    """Nothing, if code can be run apart here; call it before work whose judge runs code.

    Raises:
        UserError: it cannot; the message names the package that helps.
    """
    cage()


_PROBE = """
import socket
try:
    socket.create_connection(("192.0.2.1", 9), 0.2)
except OSError as error:
    assert error.errno in (1, 13, 101), error  # not permitted, or no network at all
else:
    raise AssertionError("reached the network")
import os
assert os.listdir(".") == []
"""


@cache
def cage() -> tuple[str, ...]:
    """The command that closes a process in, tried out once with a program that looks for the network."""
    tried = []
    for name, command in (("bwrap", _bubblewrap), ("unshare", _unshare)):
        program = shutil.which(name)
        if not sys.platform.startswith("linux") or program is None:
            tried.append(f"{name} is not installed" if sys.platform.startswith("linux") else f"this is {sys.platform}")
            continue
        outcome = _run(command(program), [Trial(_PROBE)], 20.0)
        if outcome == "done":
            return command(program)
        tried.append(f"{name}: {outcome or 'it did not start'}")
    raise UserError(
        "this benchmark runs code that a model wrote, which is only done where it cannot reach the network or your "
        f"files, and that did not work here ({'; '.join(tried)}). Install bubblewrap on Linux "
        "(apt-get install bubblewrap, or your distribution's package of that name; in a container also allow user "
        "namespaces), or choose another benchmark."
    )


def _run(cage: Sequence[str], trials: Sequence[Trial], seconds: float) -> str:
    """What the referee reported: "done", the kind of exception, or an empty text where it was stopped."""
    word = secrets.token_hex(16)
    limits = {"memory": MEMORY, "disk": DISK, "seconds": int(seconds) + 1}
    programs = [{"setup": one.setup, "program": one.program} for one in trials]
    tests = [{"setup": one.setup, "tests": list(one.tests)} for one in trials]
    requests, answers = os.pipe(), os.pipe()
    with tempfile.TemporaryFile() as report, ExitStack() as started:
        try:
            run = _start(cage, "sandboxed", limits | {"trials": programs}, requests[0], answers[1], subprocess.DEVNULL)
            started.callback(_end, run)
            judge = _start(cage, "referee", limits | {"trials": tests, "word": word}, answers[0], requests[1], report)
            started.callback(_end, judge)
        finally:
            for pipe in (*requests, *answers):
                os.close(pipe)
        try:
            judge.wait(seconds)
        except subprocess.TimeoutExpired:
            return ""
        report.seek(0)
        lines = report.read(4096).decode(errors="replace").split("\n")
    return next((line.removeprefix(word).strip() for line in lines if line.startswith(word)), "")


def _start(
    cage: Sequence[str], driver: str, order: dict[str, Any], stdin: int, stdout: int, stderr: Any
) -> subprocess.Popen[bytes]:
    """A process in the cage that runs a driver; it reads its order from a file that has no name."""
    with tempfile.TemporaryFile() as file:
        file.write(json.dumps(order).encode())
        file.seek(0)
        return subprocess.Popen(
            [*cage, _PYTHON, "-I", "-S", "-B", "-c", _source(driver), str(file.fileno())],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            pass_fds=(file.fileno(),),
            start_new_session=True,
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


@cache
def _source(driver: str) -> str:
    """A driver with the two modules that it imports, all that there is of ours in the sandbox."""
    here = {name: Path(__file__).with_name(f"{name}.py").read_text() for name in ("confinement", "carried", driver)}
    lines = ["import sys, types"]
    for name, text in here.items():
        module = f"{__package__}.{name}"
        lines.append(f"sys.modules[{module!r}] = types.ModuleType({module!r})")
        lines.append(f"exec(compile({text!r}, {name!r}, 'exec'), sys.modules[{module!r}].__dict__)")
    return "\n".join(lines)


def _places() -> list[str]:
    """Folders and files the interpreter needs, shortest first, none inside another."""
    wanted = [*_SYSTEM, sys.base_prefix, sys.base_exec_prefix, _PYTHON, sysconfig.get_path("stdlib")]
    found: list[str] = []
    for place in sorted({place for place in wanted if Path(place).exists()}, key=len):
        if not any(place == outer or place.startswith(outer.rstrip("/") + "/") for outer in found):
            found.append(place)
    return found


def _bubblewrap(program: str) -> tuple[str, ...]:
    command = [program, "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent"]
    command += ["--new-session", "--clearenv"]
    if os.geteuid() == 0:
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
    else:
        command += ["--unshare-user"]
    for place in _places():
        for folder in [*Path(place).parents][-2::-1]:  # readable to nobody, which folders made unasked are not
            command += ["--perms", "0755", "--dir", str(folder)]
        command += ["--ro-bind", place, place]
    command += ["--proc", "/proc", "--dev", "/dev", "--size", str(DISK), "--perms", "1777", "--tmpfs", "/tmp"]
    return (*command, "--remount-ro", "/dev", "--remount-ro", "/", *_unprivileged())


_ROOT = r"""
set -e
root=$1; shift
mount -t tmpfs -o size=1m,mode=755 none "$root"
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$root$1"; else mkdir -p "$(dirname "$root$1")"; : > "$root$1"; fi
  mount --bind "$1" "$root$1"
  mount -o remount,bind,ro,nosuid,nodev "$root$1"
  shift
done
shift
mkdir -p "$root/tmp" "$root/dev"
: > "$root/dev/null"
mount --bind /dev/null "$root/dev/null"
mount -t tmpfs -o size="$1",mode=1777,nosuid,nodev none "$root/tmp"
shift
mount -o remount,bind,ro,nosuid,nodev "$root"
cd "$root"
exec chroot "$root" "$@"
"""


# The new root is mounted over a folder that every Linux has, seen by the process alone; the folder itself is untouched.
def _unshare(program: str) -> tuple[str, ...]:
    user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    apart = ("--net", "--pid", "--ipc", "--uts", "--mount", "--fork", "--kill-child", "--propagation", "private")
    anchor = next(folder for folder in ("/mnt", "/media", "/srv", "/tmp") if Path(folder).is_dir())
    return (program, *user, *apart, "/bin/sh", "-c", _ROOT, "sh", anchor, *_places(), "--", str(DISK), *_unprivileged())


def _unprivileged() -> tuple[str, ...]:
    """The last step: no capability left, and root becomes nobody, whom alone the limit on processes binds."""
    nobody = ("--reuid", "65534", "--regid", "65534", "--clear-groups") if os.geteuid() == 0 else ()
    return ("setpriv", *nobody, "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")
