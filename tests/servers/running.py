"""Starts a server process of a test and stops it again."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from subprocess import Popen
from typing import IO

ROOT = Path(__file__).parents[2]


def free_ports(number: int) -> list[int]:
    """Different ports nobody listens on."""
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in taken]


@contextmanager
def running(command: Sequence[str], output: int | IO = subprocess.DEVNULL, patience: float = 10) -> Iterator[Popen]:
    """The process of a command, which is ended when the block is left; `patience`: seconds until it is killed."""
    process = Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def serving(command: Sequence[str], port: int, seconds: float = 120) -> Iterator[None]:
    """Runs the command until the block is left; the block begins once the port answers."""
    with running(command) as process:
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


@contextmanager
def faulty(log: Path, faults: str = "", delay: float = 0.0, port: int | None = None) -> Iterator[str]:
    """The fault server; yields its address. A second one at the same port stands for the same teacher."""
    port = port or free_ports(1)[0]
    command = [sys.executable, "-m", "tests.servers.faulty", str(port), str(log), faults, str(delay)]
    with serving(command, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def batching(log: Path, troubles: str = "", delay: float = 0.0, port: int | None = None) -> Iterator[str]:
    """The stand-in for APIs of batches; yields its address."""
    port = port or free_ports(1)[0]
    command = [sys.executable, "-m", "tests.servers.batches", str(port), str(log), troubles, str(delay)]
    with serving(command, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def scoring(folder: Path) -> Iterator[Callable[..., tuple[str, Path]]]:
    """The stand-in for servers that score; yields what gives a new one's address and log."""
    port, runs = free_ports(1)[0], count()

    def new(trouble: str = "well", run: str = "") -> tuple[str, Path]:
        name = run or f"run{next(runs)}"
        (folder / name).touch()
        return f"http://127.0.0.1:{port}/{name}/{trouble}/v1", folder / name

    with serving([sys.executable, "-m", "tests.servers.scoring", str(port), str(folder)], port):
        yield new
