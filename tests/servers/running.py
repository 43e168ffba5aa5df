"""Starts a server process of a test and stops it again."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(command: Sequence[str], port: int, seconds: float = 120) -> Iterator[None]:
    """Runs the command until the block is left; the block begins once the port answers."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert process.poll() is None, f"the server stopped: {' '.join(command)}"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise AssertionError("the server did not come up")
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def faulty(log: Path, faults: str = "", delay: float = 0.0) -> Iterator[str]:
    """The fault server; yields its address."""
    port = free_port()
    command = [sys.executable, "-m", "tests.servers.faulty", str(port), str(log), faults, str(delay)]
    with serving(command, port):
        yield f"http://127.0.0.1:{port}"
