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
from functools import cache
from pathlib import Path

from sppl.schemas import UserError

MEMORY = 512 * 2**20
"""Bytes of address space of the process."""

DISK = 16 * 2**20
"""Bytes of its temporary folder, which lives in memory, and of any one file."""

DRIVER = Path(__file__).with_name("sandboxed.py")

_PYTHON = str(Path(sys.executable).resolve())

_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin", "/etc/ld.so.cache")
"""What the interpreter's shared libraries need; read-only."""


def runs(program: str, seconds: float = 10.0) -> bool:
    """Whether a Python program runs to its end without an exception, within the limits.

    Args:
        program: its source. It sees an empty temporary folder, the standard library and nothing else: no network, no
            other file, no environment, no second process.
        seconds: wall clock; processor time is limited to the same, rounded up.

    Raises:
        UserError: this machine cannot run it apart from the network and the files.
    """
    return _run(_cage(), program, seconds) == "done"


def check() -> None:
    """Nothing, if code can be run apart here; call it before work whose judge runs code.

    Raises:
        UserError: it cannot; the message names the package that helps.
    """
    _cage()


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
def _cage() -> tuple[str, ...]:
    """The command that closes a process in, tried out once with a program that looks for the network."""
    tried = []
    for name, command in (("bwrap", _bubblewrap), ("unshare", _unshare)):
        program = shutil.which(name)
        if not sys.platform.startswith("linux") or program is None:
            tried.append(f"{name} is not installed" if sys.platform.startswith("linux") else f"this is {sys.platform}")
            continue
        outcome = _run(command(program), _PROBE, 20.0)
        if outcome == "done":
            return command(program)
        tried.append(f"{name}: {outcome or 'it did not start'}")
    raise UserError(
        "this benchmark runs code that a model wrote, which is only done where it cannot reach the network or your "
        f"files, and that did not work here ({'; '.join(tried)}). Install bubblewrap on Linux "
        "(apt-get install bubblewrap, or your distribution's package of that name; in a container also allow user "
        "namespaces), or choose another benchmark."
    )


def _run(cage: Sequence[str], program: str, seconds: float) -> str:
    """What the process reported: "done", the kind of exception, or an empty text where it was stopped."""
    word = secrets.token_hex(16)
    order = {"program": program, "word": word, "memory": MEMORY, "disk": DISK, "seconds": int(seconds) + 1}
    with tempfile.TemporaryFile() as report:
        process = subprocess.Popen(
            [*cage, _PYTHON, "-I", "-S", "-B", "-c", DRIVER.read_text()],
            stdin=subprocess.PIPE,
            stdout=report,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            start_new_session=True,
        )
        try:
            process.communicate(json.dumps(order).encode(), timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return ""
        report.seek(0)
        lines = report.read(4096).decode(errors="replace").split("\n")
    return next((line.removeprefix(word).strip() for line in lines if line.startswith(word)), "")


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
    return (*command, "--remount-ro", "/", *_unprivileged())


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
