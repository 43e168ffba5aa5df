"""Runs the tests of programs that run in another sandbox; what it reports is the verdict.

A name that the tests use and the program defines stands for the object over there. Values of plain types come as they
are, so that no object of the program's takes part in a comparison.
"""

import ast
import builtins
import json
import os
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from sppl.benchmarks.answers.carried import pack, unpack
from sppl.benchmarks.answers.confinement import confine


class Connection:
    """The pipes to the process of the programs."""

    def __init__(self, asked: BinaryIO, said: BinaryIO) -> None:
        self.asked, self.said = asked, said

    def ask(self, *request: Any) -> Any:
        """What a request brought; what it raised there is raised here, by its name if that is a builtin's."""
        self.asked.write(json.dumps(request).encode() + b"\n")
        self.asked.flush()
        how, what = json.loads(self.said.readline())
        if how == "done":
            return unpack(what, lambda number: Remote(self, number))
        kind = getattr(builtins, str(what), None)
        known = isinstance(kind, type) and issubclass(kind, Exception)
        raise (kind if known else RuntimeError)(str(what))  # pyright: ignore[reportOptionalCall]

    def pack(self, value: Any) -> Any:
        """A value of a test's as a part of a request."""
        return pack(value, _number)


def _number(value: Any) -> int:
    if isinstance(value, Remote):
        return object.__getattribute__(value, "number")
    raise TypeError(f"a {type(value).__name__} cannot be given to the program")


class Remote:
    """An object over there; it equals itself alone."""

    def __init__(self, connection: Connection, number: int) -> None:
        object.__setattr__(self, "connection", connection)
        object.__setattr__(self, "number", number)

    def __call__(self, *positional: Any, **named: Any) -> Any:
        return self.connection.ask("call", self.number, self.connection.pack(positional), self.connection.pack(named))

    def __getattr__(self, name: str) -> Any:
        return self.connection.ask("get", self.number, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.connection.ask("set", self.number, name, self.connection.pack(value))

    def __getitem__(self, key: Any) -> Any:
        return self.connection.ask("item", self.number, self.connection.pack(key))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.connection.ask("list", self.number))

    def __len__(self) -> int:
        return len(self.connection.ask("list", self.number))

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        return str(self.connection.ask("text", self.number))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remote) and self.number == other.number

    def __hash__(self) -> int:
        return hash(self.number)


def judge(connection: Connection, number: int, setup: str, tests: list[str]) -> None:
    """Nothing, if a program runs to its end and its tests pass; else whatever was raised."""
    space: dict[str, Any] = {"__name__": "answer"}
    exec(compile(setup, "setup", "exec"), space)
    connection.ask("begin", number)
    parsed = [ast.parse(test) for test in tests]
    for name in _wanted(parsed, space):
        try:
            space[name] = connection.ask("name", number, name)
        except KeyError:
            continue
    for test in parsed:
        exec(compile(test, "test", "exec"), space)


def _wanted(tests: list[ast.Module], space: dict[str, Any]) -> list[str]:
    """The names that are the program's to define.

    What the setup made is its own, but for classes, whose objects live where the program is. A builtin is itself,
    unless nothing else is called: then it is what the program was asked for (MBPP has a function `sum`).
    """
    nodes = [node for test in tests for node in ast.walk(test)]
    used = dict.fromkeys(node.id for node in nodes if isinstance(node, ast.Name))
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    tested = called if all(hasattr(builtins, name) for name in called) else set[str]()
    return [
        name
        for name in used
        if (isinstance(space[name], type) if name in space else name in tested or not hasattr(builtins, name))
    ]


def main() -> None:
    """Judges the trials of the order, one after the other, and reports how that ended."""
    with os.fdopen(int(sys.argv[1]), "rb") as stream:
        order = json.load(stream)
    connection = Connection(os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(0), "rb"))
    report, nowhere = os.dup(2), os.open("/dev/null", os.O_RDWR)
    for place in (0, 1, 2):
        os.dup2(nowhere, place)
    try:
        confine(order)
        for number, trial in enumerate(order["trials"]):
            judge(connection, number, trial["setup"], trial["tests"])
        ending = "done"
    except BaseException as error:  # noqa: BLE001  (whatever was raised is how it ended)
        ending = type(error).__name__
    os.write(report, f"\n{order['word']} {ending}\n".encode())
    os._exit(0)


main()
