"""Ends a process and its workers cleanly on SIGTERM and Ctrl-C, within seconds, with the shell's exit status."""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import active_children
from threading import Timer
from types import FrameType

import psutil

log = logging.getLogger(__name__)

PATIENCE = 8.0
"""Seconds a clean end may take; after them the process is ended, for instance where a library waits for threads."""
NOBODYS = (signal.SIG_DFL, signal.default_int_handler)
"""Handlers that are replaced: where a scheduler has set one, or the shell ignores Ctrl-C, that stays."""
_arrived: list[int] = []
"""The signal that ends this process."""


class Stopped(SystemExit):
    """A signal stopped the process; `code` is 128 plus its number, as shells say it."""


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Within this block SIGTERM and SIGINT raise `Stopped` once, and end this process's workers.

    Nothing has to be saved on the way: whatever is on disk is whole, and the same command goes on from it. Python
    drops what is raised while an object is deleted, and libraries catch more than they should, so the signal is
    remembered: where the work goes on nevertheless, `Stopped` is raised at its end, or the process is ended after
    `PATIENCE` seconds.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    ours = [number for number, handler in before.items() if handler in NOBODYS]
    for number in ours:
        signal.signal(number, _stop)
    try:
        yield
        if _arrived:
            raise Stopped(128 + _arrived[0])
    finally:
        for number in ours:
            signal.signal(number, before[number])


def _stop(number: int, _: FrameType | None) -> None:
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, signal.SIG_IGN)
    _arrived.append(number)
    last = Timer(PATIENCE, os._exit, [128 + number])
    last.daemon = True
    last.start()
    log.error("stopped by %s; the same command again goes on from here", signal.Signals(number).name)
    _kill_workers()
    raise Stopped(128 + number)


def _kill_workers() -> None:
    """Kills the processes of joblib and Lightning, and submitit's on this machine, which would outlive their parent."""
    for pid in [worker.pid for worker in active_children() if worker.pid]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)  # joblib's own kind of process has no method for it
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if any("submitit" in word for word in process.cmdline()):
                process.kill()
