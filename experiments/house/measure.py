"""Figures of the house, of any checkout of it: measure.py FOLDER.

It reads the code, and runs a small study to follow calls. Printed are import circles, names of files used twice, lines,
the longest argument list, lines that ask with `isinstance` which kind of table or context something is, and for the
stages `rank` and `score`: files of the package that are visited, ways from a file to another one, and those among them
that go up a layer.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from pathlib import Path

KINDS = "TokenStats|Rewards|HiddenStates|Gradients|Outcomes|Alone|GivenQuestion|SelfAligned|FixedExamples|StepWise"
ASKED = re.compile(rf"isinstance\([^)]*\b(?:{KINDS})\b")
TARGET = re.compile(r"_target_: [\w.]*\.(\w+)")
STUDY = ["strategy=[gpt4,claude]", "metric=[sppl,perplexity]", "n_train=24", "n_test=8", "n_score=6", "n_predict=12"]
FOLLOW = """
import json, os, runpy, sys
inside, visited, calls = 0, set(), []
where = lambda frame: frame.f_code.co_filename.partition("/sppl/")[2] if "/sppl/" in frame.f_code.co_filename else ""
def follow(frame, event, argument):
    global inside
    if event not in ("call", "return"):
        return
    here = where(frame)
    if here == "stages/{stage}.py" and frame.f_code.co_name == "{stage}":
        inside += 1 if event == "call" else -1
    if event == "call" and inside and here:
        visited.add(here)
        back = frame.f_back
        while back is not None and not where(back):
            back = back.f_back
        if back is not None and where(back) != here:
            calls.append((where(back), here))
sys.setprofile(follow)
try:
    runpy.run_path("run.py", run_name="__main__")
except SystemExit:
    pass
finally:
    sys.setprofile(None)
    json.dump([sorted(visited), calls], open(os.environ["FOLLOWED"], "w"))
"""


def main(folder: Path) -> None:
    """Prints the figures of one checkout."""
    files = sorted(folder.glob("sppl/**/*.py"))
    trees = {path: ast.parse(path.read_text()) for path in files}
    twice = [name for name, n in Counter(path.name for path in files).items() if n > 1 and name != "__init__.py"]
    functions = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    longest = max(functions, key=arguments)
    stages = {path.stem for path in folder.glob("conf/stage/*.yaml")} | {"pilots"}
    composed = {name for path in folder.glob("conf/**/*.yaml") for name in TARGET.findall(path.read_text())}
    inner = max((one for one in functions if one.name not in {*composed, "__init__"}), key=arguments)
    print(f"import circles: {len(circles(trees, folder))}")
    print(f"file names used twice: {len(twice)} ({', '.join(sorted(twice))})")
    print(f"lines in sppl/: {sum(len(path.read_text().splitlines()) for path in files)}")
    print(f"longest argument list: {longest.name}, {arguments(longest)}")
    print(f"longest argument list of what no configuration file calls: {inner.name}, {arguments(inner)}")
    lines = [(path, line) for path in files for line in path.read_text().splitlines() if ASKED.search(line)]
    own = sum(path.parent.name == "stages" for path, _ in lines)
    print(f"isinstance lines on needs and contexts: {len(lines)}, {own} of them in stages/")
    count = len([path for path in files if path.parent.name == "stages" and path.name != "__init__.py"])
    print(f"files in stages/: {count} for {len(stages)} choices of `stage`")
    with tempfile.TemporaryDirectory() as place:
        run(folder, place, "stage=[generate,predict,score]")
        for stage, typed in (("rank", "stage=[rank]"), ("score", "stage=[score]")):
            visited, calls = run(folder, place, typed, FOLLOW.replace("{stage}", stage))
            ranks = layers(folder)
            up = [pair for pair in calls if height(pair[0], ranks) < height(pair[1], ranks)]
            rooms = {name.partition("/")[0] for name in visited}
            ways = f"{len(set(calls))} ways from file to file, {len(set(up))} of them up a layer"
            print(f"walking through {stage}: {len(visited)} files in {len(rooms)} rooms, {ways}")


def arguments(function: ast.FunctionDef) -> int:
    """How many a function takes, itself left out."""
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def circles(trees: dict[Path, ast.Module], folder: Path) -> list[set[str]]:
    """Modules that import each other at their top, directly or through others."""
    names = {".".join(path.relative_to(folder).with_suffix("").parts): tree for path, tree in trees.items()}
    to = {name: {f for n in tree.body for f in imported(n) if f in names and f != name} for name, tree in names.items()}
    reach = {name: set(parts) for name, parts in to.items()}
    for _ in range(12):  # doubles the ways that are followed each time
        reach = {name: parts.union(*(reach[one] for one in parts)) if parts else parts for name, parts in reach.items()}
    found = {frozenset(one for one in reach[name] if name in reach[one]) for name in names if name in reach[name]}
    return [set(one) for one in found]


def imported(node: ast.stmt) -> list[str]:
    """The modules that a statement at a module's top imports."""
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def layers(folder: Path) -> dict[str, int]:
    """The height of every room, by the contract of the checkout."""
    contracts = tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    listed = next(one["layers"] for one in contracts if one["type"] == "layers")
    names = [[part.strip(" ()").removeprefix("sppl.") for part in re.split(r"[|:]", line)] for line in listed]
    return {name: len(names) - place for place, parts in enumerate(names) for name in parts}


def height(file: str, ranks: dict[str, int]) -> int:
    """Of the room that a file lies in."""
    return ranks.get(file.partition("/")[0].removesuffix(".py"), 0)


def run(folder: Path, place: str, stage: str, code: str = "") -> tuple[list[str], list[tuple[str, str]]]:
    """Runs stages of the small study, and returns what was visited, where that is followed."""
    to = [f"store={place}/store", f"reports={place}/reports", f"hydra.run.dir={place}/run", "logger=[]"]
    start = ["-c", code] if code else ["run.py"]
    followed = Path(place, "followed.json")
    surroundings = os.environ | {"PYTHONPATH": str(folder), "FOLLOWED": str(followed)}
    typed = [sys.executable, *start, stage, *STUDY, *to]
    done = subprocess.run(typed, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    visited, calls = json.loads(followed.read_text()) if code else ([], [])
    return visited, [tuple(pair) for pair in calls]


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
