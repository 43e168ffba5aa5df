"""Values that go from one process to another as text: of plain types, so that nothing but the value arrives.

An object of a class of the sender's own is not sent; it stays where it is, and a number stands for it. Its source is
handed to Python inside the sandbox.
"""

from collections import deque
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

_TEXTS: dict[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]] = {
    "int": (int, hex, lambda text: int(text, 16)),  # decimal digits have a limit
    "float": (float, float.hex, float.fromhex),
    "complex": (complex, repr, complex),
    "str": (str, str, str),
    "bytes": (bytes, bytes.hex, bytes.fromhex),
    "bytearray": (bytearray, bytearray.hex, bytearray.fromhex),
    "Decimal": (Decimal, str, Decimal),
    "Fraction": (Fraction, str, Fraction),
    "datetime": (datetime, datetime.isoformat, datetime.fromisoformat),
    "date": (date, date.isoformat, date.fromisoformat),
    "time": (time, time.isoformat, time.fromisoformat),
}
"""Types whose values a text says: how to write and how to read them; a type stands before those it is derived from."""
_MANY: dict[str, type] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "deque": deque}


def pack(value: Any, keep: Callable[[Any], int]) -> list[Any]:
    """A value as JSON data; `keep` takes an object of another type and gives its number."""
    if value is None or value is True or value is False:
        return ["constant", value]
    for name, (kind, write, _) in _TEXTS.items():
        if isinstance(value, kind):
            return [name, write(value)]
    for name, kind in _MANY.items():
        if isinstance(value, kind):
            return [name, [pack(part, keep) for part in value]]
    if isinstance(value, dict):
        return ["dict", [[pack(key, keep), pack(part, keep)] for key, part in value.items()]]
    if isinstance(value, range):
        return ["range", [hex(value.start), hex(value.stop), hex(value.step)]]
    if isinstance(value, timedelta):
        return ["timedelta", [value.days, value.seconds, value.microseconds]]
    if isinstance(value, type({}.keys())):
        return ["set", [pack(part, keep) for part in value]]
    return ["object", keep(value)]


def unpack(packed: Any, find: Callable[[int], Any]) -> Any:
    """The value again; `find` gives the object of a number.

    Raises:
        LookupError, TypeError, ValueError: `pack` made no such data.
    """
    name, said = packed
    if name == "constant" and (said is None or isinstance(said, bool)):
        return said
    if name in _TEXTS:
        return _TEXTS[name][2](said)
    if name in _MANY:
        return _MANY[name]([unpack(part, find) for part in said])
    if name == "dict":
        return {unpack(key, find): unpack(part, find) for key, part in said}
    if name == "range":
        return range(*(int(part, 16) for part in said))
    if name == "timedelta":
        return timedelta(*said)
    if name == "object" and isinstance(said, int):
        return find(said)
    raise ValueError("no packed value")
