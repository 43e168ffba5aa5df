"""Programs that would be called right without being right: every one is wrong, with the same tests as everybody's."""

import platform
import re
from pathlib import Path

import pytest

from sppl.benchmarks.answers import code, sandbox

ROW = {"test_list": ["assert add(2, 3) == 5", "assert add(0, 7) == 7"], "test_setup_code": "", "answer": ""}
CASES = Path(__file__).with_name("cases") / "cheats.txt"
CHEATS = dict(re.findall(r"^=== (.*)\n((?:(?!=== ).*\n)*)", CASES.read_text(), re.MULTILINE))
"""What the program does, and the program, whose last line end is not its own."""


@pytest.mark.parametrize("program", CHEATS.values(), ids=CHEATS)
def test_no_cheat_gains_a_verdict(program, monkeypatch):
    monkeypatch.setattr(code, "SECONDS", 3.0)
    assert code.judge(ROW, [f"```python\n{program}```"]) == {"accuracy": 0.0}


def test_there_are_many_cheats_and_what_they_are_measured_by_can_be_passed():
    assert len(CHEATS) >= 35
    assert code.judge(ROW, ["def add(a, b): return a + b"]) == {"accuracy": 1.0}


@pytest.mark.parametrize(
    ("program", "tests"),
    [
        ("def f(x): return [1]\ndef set(x): return 1\n", ["assert set(f(3)) == set([3])"]),
        ("def f(x): return 0.0\ndef abs(x): return 0\n", ["assert abs(f(3) - 3) < 1e-6"]),
        ("class math:\n    isclose = lambda *a, **k: True\ndef f(x): return 0.0", ["assert math.isclose(f(3), 3.0)"]),
        ("def same(a, b): return True\ndef f(x): return 0.0", ["assert same(f(3), 3.0)"]),
        ("def f(x): return 0\ndef isinstance(*a): return True", ["assert isinstance(f(3), str)"]),
    ],
)
def test_what_a_test_uses_beside_the_function_is_not_the_programs(program, tests):
    setup = "import math\ndef same(a, b): return math.isclose(a, b)"
    assert not sandbox.passes([sandbox.Trial(program, setup, tests)])


FAIR = {
    "a function with a builtin's name": ("def sum(a, b): return a + b", ["assert sum(1, 2) == 3"]),
    "a class of its own": (
        "class Node:\n    def __init__(s, v): s.v, s.left = v, None\n"
        "def depth(n): return 1 + depth(n.left) if n else 0",
        ["root = Node(1)\nroot.left = Node(2)\nassert depth(root) == 2", "assert root.left.v == 2"],
    ),
    "lists of objects": (
        "class P:\n    def __init__(s, a): s.a = a\ndef f(ps): return sorted(p.a for p in ps)",
        ["assert f([P(3), P(1)]) == [1, 3]"],
    ),
    "a generator": (
        "def f(n): yield from range(n)",
        ["assert list(f(3)) == [0, 1, 2]", "assert sorted(f(2)) == [0, 1]"],
    ),
    "types of the library": (
        "from collections import *\nfrom fractions import Fraction\nimport datetime\n"
        "P = namedtuple('P', 'a b')\ndef f(n): return [Counter('aab'), deque([1]), P(1, 2), Fraction(1, 3), n ** 9999, "
        "{1: {2}}, float('inf'), 1j, b'x', '\\ud800', None, range(3), datetime.date(2024, 1, 2)]",
        ["import datetime\nfrom collections import deque\nfrom fractions import Fraction\n"
         "assert f(7) == [{'a': 2, 'b': 1}, deque([1]), (1, 2), Fraction(1, 3), 7 ** 9999, {1: {2}}, "
         "float('inf'), 1j, b'x', '\\ud800', None, range(3), datetime.date(2024, 1, 2)]"],
    ),
    "named arguments": ("def f(a, *, b=1): return a - b", ["assert f(b=2, a=5) == 3"]),
    "an exception that is wanted": (
        "def f(a): return 1 / a",
        ["try:\n    f(0)\nexcept ZeroDivisionError:\n    pass\nelse:\n    raise AssertionError"],
    ),
    "a constant": ("LIMIT = 3", ["assert LIMIT == 3"]),
    "a method": ("class S:\n    def __init__(s): s.x = []\n    def put(s, v): s.x.append(v); return len(s.x)",
                 ["s = S()\nassert s.put(1) == 1\nassert s.put(1) == 2\nassert s.x == [1, 1]"]),
    "its own words": ("class A:\n    def __str__(s): return 'a'\ndef f(): return A()", ["assert str(f()) == 'a'"]),
}  # fmt: skip


def test_what_a_right_program_may_return_and_be_given_still_passes():
    trials = [sandbox.Trial(program, "", tests) for program, tests in FAIR.values()]
    assert sandbox.passes(trials, 30.0)
    wrong = [one for one in FAIR if sandbox.passes([sandbox.Trial(FAIR[one][0], "", [*FAIR[one][1], "assert 0"])])]
    assert wrong == []


CALL = "import ctypes\nc = ctypes.CDLL(None, use_errno=True)\nassert c.{} >= 0, ctypes.get_errno()"
KEYRING = {"x86_64": 248, "aarch64": 217}[platform.machine()]
DOORS = {
    "the host of a virtual machine": "import socket; socket.socket(socket.AF_VSOCK)",
    "a socket of this machine": "import socket; socket.socket(socket.AF_UNIX)",
    "the kernel's own messages": "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)",
    "memory beside its own": "open('/dev/shm/x', 'wb').write(b'x')",
    "memory without a name": "import os; os.memfd_create('x')",
    "memory of System V": CALL.format("shmget(0, 1 << 20, 0o1600)"),
    "keyrings": CALL.format(f"syscall({KEYRING}, b'user', b'x', b'y', 1, -3)"),
    "namespaces of its own": CALL.format("unshare(0x10000000)"),
    "tracing": CALL.format("ptrace(0, 0, 0, 0)"),
    "queues of the kernel": CALL.format("syscall(425, 8, ctypes.create_string_buffer(200))"),
    "threads": "import threading; threading.Thread(target=int).start()",
    "the parent's environment": "assert b'HOME' in open('/proc/1/environ', 'rb').read()",
    "the parent's memory": "open('/proc/1/mem', 'rb')",
    "devices": "open('/dev/kmsg', 'rb')",
    "the sources of this program": "import sppl",
}  # fmt: skip


@pytest.mark.parametrize("program", DOORS.values(), ids=DOORS)
def test_a_door_that_namespaces_leave_open_is_closed(program):
    assert not sandbox.runs(program)


def test_endless_output_and_recursion_end_in_time():
    assert not sandbox.runs("while True: print('x' * 10**6)", 1.0)
    assert not sandbox.runs("def f(): f()\nf()", 1.0)
