"""Runs programs inside the sandbox and does there what the referee in another one asks for.

Nothing that a program could do to this process wins a test: it never sees the tests, and what it says is only a value.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from sppl.benchmarks.answers.carried import pack, unpack
from sppl.benchmarks.answers.confinement import confine


def main() -> None:
    """Takes the order, then answers one request per line until there are no more."""
    with os.fdopen(int(sys.argv[1]), "rb") as stream:
        order = json.load(stream)
    asked, said = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open("/dev/null", os.O_RDWR)
    for place in (0, 1, 2):
        os.dup2(nowhere, place)
    confine(order)
    doing = _doing(order["trials"], [])
    for line in asked:
        request = json.loads(line)
        try:
            answer = ["done", doing(request)]
        except BaseException as error:  # noqa: BLE001  (whatever the program raised is how it ended, SystemExit too)
            answer = ["raised", type(error).__name__]
        said.write(json.dumps(answer).encode() + b"\n")
        said.flush()
    os._exit(0)


def _doing(trials: list[dict[str, str]], kept: list[Any]) -> Callable[[list[Any]], Any]:
    """What does a request: [what, object, ...]; objects that stay here are `kept`, in the order of their numbers."""
    spaces: list[dict[str, Any]] = [{"__name__": "answer"} for _ in trials]

    def keep(value: Any) -> int:
        kept.append(value)
        return len(kept) - 1

    def of(packed: Any) -> Any:
        return unpack(packed, kept.__getitem__)

    def begin(number: int) -> None:
        for part in ("setup", "program"):
            exec(compile(trials[number][part], "answer", "exec"), spaces[number])

    does: dict[str, Callable[..., Any]] = {
        "begin": begin,
        "name": lambda number, name: spaces[number][name],
        "call": lambda one, positional, named: kept[one](*of(positional), **of(named)),
        "get": lambda one, name: getattr(kept[one], name),
        "set": lambda one, name, value: setattr(kept[one], name, of(value)),
        "item": lambda one, key: kept[one][of(key)],
        "list": lambda one: list(kept[one]),
        "text": lambda one: str(kept[one]),
    }
    return lambda request: pack(does[request[0]](*request[1:]), keep)


main()
