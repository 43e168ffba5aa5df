"""Digests of code: an answer rule or a metric that was edited counts as another one."""

import ast
import inspect
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]


def code_digest(files: Iterable[Path]) -> str:
    """Returns eight hex digits over these files and the modules of their folders that they import, recursively.

    Modules of other folders are not followed: libraries are told apart by their versions.
    """
    total, seen, todo = sha256(), set[Path](), [file.resolve() for file in files]
    while todo:
        file = todo.pop()
        if file not in seen:
            seen.add(file)
            todo += _beside(file) if file.suffix == ".py" else []
    for file in sorted(seen, key=lambda one: (one.name, str(one))):
        total.update(file.name.encode() + b"\0" + file.read_bytes())
    return total.hexdigest()[:8]


def code_of(thing: Any) -> str:
    """Returns the digest of the code of an object's class and of what its module imports from its folder."""
    try:
        return code_digest([Path(inspect.getfile(type(thing)))])
    except (OSError, TypeError):  # typed into an interpreter: there is no file to compare
        return "none"


def module_file(name: str, folder: Path) -> Path | None:
    """Returns the file of a module, found in a folder or else by Python; None where it has none."""
    beside = _in(folder, name)
    if beside is not None:
        return beside
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin and spec.has_location else None


def _beside(file: Path) -> Iterator[Path]:
    """The files of modules that a file imports from its own folder."""
    inside = ".".join(file.parent.relative_to(PACKAGE.parent).parts) if file.is_relative_to(PACKAGE) else ""
    for name in _imported(file, file.stat().st_mtime_ns):
        own = name.removeprefix(f"{inside}.") if inside and name.startswith(f"{inside}.") else name
        found = _in(file.parent, own) if own != name or not inside else None
        if found is not None:
            yield found.resolve()


@lru_cache(maxsize=256)
def _imported(file: Path, _changed: int) -> tuple[str, ...]:
    """The names a file imports; relative imports as if its folder were the top."""
    names: list[str] = []
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # whoever imports it is told so
        return ()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            names += [base] if base else []
            names += [f"{base}.{alias.name}".lstrip(".") for alias in node.names]
    return tuple(dict.fromkeys(names))


def _in(folder: Path, name: str) -> Path | None:
    *above, last = name.split(".")
    places = (folder.joinpath(*above, f"{last}.py"), folder.joinpath(*above, last, "__init__.py"))
    return next((place for place in places if place.is_file()), None)
