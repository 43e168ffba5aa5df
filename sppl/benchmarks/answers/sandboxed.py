"""Runs one program inside the sandbox; the source is handed to `python -c` there, so it imports nothing of ours."""

import json
import os
import resource
import sys


def main() -> None:
    """Lowers the limits, runs the program read from standard input, and reports how it ended."""
    order = json.load(sys.stdin.buffer)
    report = os.dup(1)
    nowhere = os.open("/dev/null", os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.chdir("/tmp")
    os.environ.clear()
    for limit, most in (
        (resource.RLIMIT_AS, order["memory"]),
        (resource.RLIMIT_FSIZE, order["disk"]),
        (resource.RLIMIT_CPU, order["seconds"]),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(limit, (most, most))
    word = order["word"]
    try:
        exec(compile(order["program"], "answer", "exec"), {"__name__": "answer"})
        ending = "done"
    except BaseException as error:  # noqa: BLE001  (whatever the program raised is how it ended, SystemExit too)
        ending = type(error).__name__
    os.write(report, f"\n{word} {ending}\n".encode())
    os._exit(0)


main()
