"""Signals: what a stopped process ends with, whatever the code it hit does with exceptions."""

import signal
import subprocess
import sys
import time

import pytest
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from sppl.cli import interrupts

PROGRAM = """
import os, signal, sys, time
from sppl.cli.interrupts import stop_on_signals

def hit():
    os.kill(os.getpid(), signal.{name})
    time.sleep(0.01)

class Dying:
    def __del__(self):
        hit()

def swallowed():
    try:
        hit()
    except BaseException:
        pass

def work(how):
    if how == "plainly":
        hit()
    elif how == "while an object dies":
        Dying()
    else:
        swallowed()

with stop_on_signals():
    with stop_on_signals():  # a job inside of a run
        work({how!r})
        if {long}:
            time.sleep(60)
print("went on")
"""


def ended(name: str, how: str, long: bool = False) -> subprocess.CompletedProcess:
    program = PROGRAM.format(name=name, how=how, long=long)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("how", ["plainly", "while an object dies", "in a library that catches everything"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_is_the_end_wherever_it_arrives(name, how):
    done = ended(name, how)
    assert done.returncode == 128 + signal.Signals[name]
    assert "went on" not in done.stdout


def test_work_that_goes_on_after_a_swallowed_signal_ends_within_ten_seconds():
    begun = time.monotonic()
    assert ended("SIGINT", "in a library that catches everything", long=True).returncode == 130
    assert time.monotonic() - begun < 10


def test_joblibs_workers_are_killed():
    executor = get_reusable_executor(max_workers=1)
    asleep = executor.submit(time.sleep, 120)
    while not asleep.running():
        time.sleep(0.05)
    interrupts._kill_workers()
    with pytest.raises(TerminatedWorkerError):
        asleep.result(timeout=60)
