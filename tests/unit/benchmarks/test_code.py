"""Code: the question's own tests, in a process without network, files, children and much memory."""

import os

import pytest

from sppl.benchmarks.answers import code, sandbox
from sppl.schemas import UserError

ROW = {"test_list": ["assert add(2, 3) == 5", "assert add(0, 0) == 0"], "test_setup_code": "", "answer": ""}


def right(text: str, row: dict = ROW) -> bool:
    return code.judge(row, [text]) == {"accuracy": 1.0}


RIGHT = "def add(a, b):\n    return a + b"


@pytest.mark.parametrize(
    "text",
    [
        RIGHT,
        f"Here it is:\n```python\n{RIGHT}\n```\nIt adds.\n```\nadd(1\n```",
        f"```\n{RIGHT}\n",
        f"It adds.\nFinal Answer:\n{RIGHT}",
        RIGHT.replace("\n", "\r\n"),
        "import math\n" + RIGHT + "\nprint('x' * 10**6)",
    ],
)
def test_a_program_whose_tests_pass_is_right(text):
    assert right(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I cannot.",
        RIGHT.replace("+", "-"),
        RIGHT.replace("def", "deff"),
        "def sum_of(a, b):\n    return a + b",
        RIGHT + "\nraise ValueError",
        RIGHT + "\nimport sys; sys.exit(0)",
        RIGHT + "\nimport os; os._exit(0)",
        RIGHT + "\n\x00",
        RIGHT + "\n'\ud800'",
        RIGHT + "\n# " + "x" * code.LONGEST,
    ],
)
def test_a_program_that_fails_or_ends_before_its_tests_is_wrong(text):
    assert not right(text)


def test_the_setup_code_runs_first_where_the_authors_ignored_it():
    row = {"test_list": ["assert add(2, UNIT) == 3"], "test_setup_code": "UNIT = 1"}
    assert right(RIGHT, row)


ESCAPES = {
    "reads a file": "open('/etc/hostname').read()",
    "lists a home": "import os; os.listdir('/home')",
    "writes outside its folder": "open('/usr/lib/x', 'w')",
    "fills its folder": "open('/tmp/x', 'w').write('x' * 10**8)",
    "opens a connection": "import socket; socket.create_connection(('127.0.0.1', 80), 1)",
    "looks a name up": "import socket; socket.getaddrinfo('example.org', 80)",
    "starts a process": "import subprocess; subprocess.run(['/bin/true'], check=True)",
    "forks": "import os; os.fork()",
    "fills the memory": "x = 'x' * 10**10",
    "changes its root": "import os; os.chroot('/tmp')",
    "becomes root": "import os; os.setuid(0); assert os.getuid() != 0",
    "signals a process outside": f"import os; os.kill({os.getpid()}, 0)",
    "sees the environment": "import os; os.environ['PATH']",
    "asks for input": "input()",
}


@pytest.mark.parametrize("program", ESCAPES.values(), ids=ESCAPES)
def test_a_program_that_reaches_out_of_the_sandbox_fails(program):
    assert not sandbox.runs(program)
    caught = f"try:\n    {program}\nexcept BaseException:\n    pass\n"
    assert sandbox.runs(caught), "the program should meet an exception, not break the sandbox"


def test_a_program_that_never_ends_is_stopped():
    assert not sandbox.runs("while True: pass", seconds=1.0)
    assert not sandbox.runs("import time; time.sleep(60)", seconds=1.0)


def test_nothing_is_left_behind_for_the_next_program():
    assert sandbox.runs("open('/tmp/note', 'w').write('x')")
    assert sandbox.runs("import os; assert os.listdir('/tmp') == []")


def test_where_the_network_cannot_be_cut_nothing_runs_and_the_package_is_named(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    sandbox.cage.cache_clear()
    try:
        with pytest.raises(UserError, match="apt-get install bubblewrap"):
            sandbox.check()
        with pytest.raises(UserError, match="bwrap is not installed; unshare is not installed"):
            right(RIGHT)
    finally:
        sandbox.cage.cache_clear()


def test_a_cage_that_does_not_hold_is_refused(monkeypatch):
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda program: ("env",))
    monkeypatch.setattr(sandbox, "_unshare", lambda program: ("env",))
    sandbox.cage.cache_clear()
    try:
        with pytest.raises(UserError, match="unshare: AssertionError"):
            sandbox.check()
    finally:
        sandbox.cage.cache_clear()
