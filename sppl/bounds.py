"""What a setting may be, said once where it is taken: its annotation, for numbers with a least or a largest value.

What is typed is checked against it before anything runs (`sppl.cli.kinds`), and a component checks its own fields, as
they may come from a file.
"""

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", NoneType: "null"}


@dataclass(frozen=True)
class Bounds:
    """Where a number may lie.

    Args:
        words: that, as a user reads it behind "is".
        least: the smallest value.
        most: the largest value.
        open: whether the two are themselves outside.
    """

    words: str
    least: float = -math.inf
    most: float = math.inf
    open: bool = False

    def hold(self, value: float) -> bool:
        """Whether a value lies within; what is no finite number does not."""
        inside = self.least < value < self.most if self.open else self.least <= value <= self.most
        return math.isfinite(value) and inside


Count = Annotated[int, Bounds("a whole number above 0", least=1)]
Natural = Annotated[int, Bounds("a whole number, 0 or above", least=0)]
Positive = Annotated[float, Bounds("a number above 0", least=0, open=True)]
NotNegative = Annotated[float, Bounds("a number, 0 or above", least=0)]
Fraction = Annotated[float, Bounds("a fraction, from 0 to below 1", least=0, most=math.nextafter(1, 0))]
NumberOfQuestions = Count | Literal["all"]


def misfits(component: Any) -> list[str]:
    """Returns a remark on every field of a dataclass whose annotation has bounds or lists words, and is not met."""
    hints = get_type_hints(type(component), include_extras=True)
    given = {one.name: getattr(component, one.name) for one in fields(component)}
    said = {name: hints[name] for name in given if _has_bounds(hints[name]) or literals(hints[name])}
    return [f"{name}={given[name]!r} ({in_words(hint)})" for name, hint in said.items() if not fits(given[name], hint)]


def fits(value: Any, hint: Any) -> bool:
    """Returns whether a value is of an annotated type; true of types that no plain value can have."""
    if _is_union(hint):
        return any(fits(value, one) for one in get_args(hint))
    if bounds := _bounds(hint):
        return fits(value, get_args(hint)[0]) and bounds.hold(value)
    origin = get_origin(hint) or hint
    if origin is Literal:
        return value in get_args(hint)
    if origin is NoneType or hint is None:
        return value is None
    if origin is bool:
        return isinstance(value, bool)
    if origin is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if origin is str:
        return isinstance(value, str | int | float)
    if origin in (list, tuple, Sequence):
        return isinstance(value, list | tuple) and _fit_each(value, get_args(hint))
    if origin in (dict, Mapping):
        return isinstance(value, Mapping)
    if inspect.isclass(origin) and origin.__module__.startswith("sppl."):
        if isinstance(value, Mapping):
            return "_target_" in value
        if getattr(origin, "_is_protocol", False):  # what has its methods is no plain value, more cannot be asked
            return not isinstance(value, str | int | float | list | tuple | None)
        return isinstance(value, origin)
    return True


def in_words(hint: Any) -> str:
    """Returns what a value has to be, as a user reads it behind "is"."""
    if _is_union(hint):
        return " or ".join(dict.fromkeys(map(in_words, get_args(hint))))
    if bounds := _bounds(hint):
        return bounds.words
    origin = get_origin(hint) or hint
    if origin is Literal:
        return "one of " * (len(get_args(hint)) > 1) + ", ".join(map(str, get_args(hint)))
    if origin in (list, tuple, Sequence):
        kinds = [one for one in get_args(hint) if one is not ...]
        each = f" of {len(kinds)}" * (len(kinds) > 1) + f", each {in_words(kinds[0])}" if kinds else ""
        return f"a list, 'key=[a,b]'{each}"
    if origin in (dict, Mapping):
        return "a mapping, 'key={a: 1}'"
    return WORDS.get(origin, getattr(origin, "__name__", str(origin)))


def literals(hint: Any) -> list[Any]:
    """Returns the words that an annotation lists."""
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    return [one for part in get_args(hint) for one in literals(part)] if _is_union(hint) else []


def _bounds(hint: Any) -> Bounds | None:
    """Where a number of this kind may lie; None where that is not said."""
    return next((one for one in get_args(hint) if isinstance(one, Bounds)), None)


def _has_bounds(hint: Any) -> bool:
    return _bounds(hint) is not None or any(_has_bounds(one) for one in get_args(hint))


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType)


def _fit_each(values: Sequence[Any], hints: tuple[Any, ...]) -> bool:
    """Whether the members of a list are of the kinds that a list or tuple is annotated with, if it is."""
    if not hints:
        return True
    if len(hints) == 1 or hints[-1] is ...:
        return all(fits(one, hints[0]) for one in values)
    return len(values) == len(hints) and all(map(fits, values, hints))
