"""Explains a number: from a table's cell, artifact by artifact, down to files, weights and versions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sppl.artifacts.provenance import VERSIONED
from sppl.artifacts.store import ArtifactId, Store
from sppl.commands import command
from sppl.schemas import UserError

MADE_OF = "made_of.json"
"""File beside a report's tables that lists the rankings and results it shows."""
SHOWN = 8
"""Settings of one artifact that fit a line or two."""


def find_artifacts(store: Store, asked: str, report: Path, typed: Sequence[str] = ()) -> list[ArtifactId]:
    """Returns the artifacts behind a name or a number.

    Args:
        asked: the name of an artifact or a part of it, or a cell of the report's table: `strategy/column`, such as
            `gpt4/accuracy`, or the number itself as the table has it.
        report: the folder of the report whose table is meant.
        typed: the command line, for the commands that an error names.

    Raises:
        UserError: there is no artifact of that name, and no such cell; other reports that have it are named.
    """
    cells = list(_cells(store, asked, report))
    if cells:
        return cells
    names = sorted(path.relative_to(store.root).with_suffix("").as_posix() for path in Path(store.root).rglob("*.json"))
    names = [name for name in names if asked in name and store.holds(name)]
    if asked in names:
        names = [asked]
    if not names:
        raise UserError(_nowhere(store, asked, report, typed))
    return [store.open(name) for name in names]


def report_names(reports: Path) -> list[str]:
    """Returns the names of the reports in a folder."""
    return sorted(path.parent.name for path in reports.glob(f"*/{MADE_OF}"))


def _nowhere(store: Store, asked: str, report: Path, typed: Sequence[str]) -> str:
    """What was looked in, and which other reports have the cell, each with its command."""
    there = report_names(report.parent)
    lacks = f"the table of {report} no such cell" if report.name in there else f"there is no report {report}"
    said = f"explain={asked}: {store.root} has no artifact of that name, and {lacks}"
    if found := [name for name in there if any(_cells(store, asked, report.parent / name))]:
        lines = [f"  {command(typed, f'explain={asked}', f'name={name}')}" for name in found[:SHOWN]]
        return "\n".join([f"{said}. {len(found)} in {report.parent} ha{'ve' if len(found) > 1 else 's'} it:", *lines])
    others = ", ".join(there[:SHOWN]) + (f" and {len(there) - SHOWN} more" if len(there) > SHOWN else "")
    return (
        f"{said}; give a name or a part of it (explain=rankings/), strategy and column (explain=gpt4/accuracy), or a "
        f"number of the table, and the report's name (name=NAME): {others or 'none was made yet'}"
    )


def explain(store: Store, artifacts: Sequence[ArtifactId]) -> Iterator[str]:
    """Yields the lines of each artifact's chain, parents indented below; a repeated artifact is only named."""
    said: set[str] = set()
    for artifact in artifacts:
        yield from _lines(store, artifact.name, "", said, ("", ""))


def _cells(store: Store, asked: str, report: Path) -> Iterator[ArtifactId]:
    """The artifacts behind the cells of a report's table that match."""
    table, made_of = report / "table.csv", report / MADE_OF
    if not table.exists() or not made_of.exists():
        return
    known: Mapping[str, list[str]] = json.loads(made_of.read_text())
    rows = pd.read_csv(table)
    strategy, _, column = asked.rpartition("/")
    for row in rows.to_dict("records"):
        for name, value in row.items():
            number = isinstance(value, float) and not strategy and _same(asked, value)
            if number or (strategy == row["strategy"] and column == name):
                yield from _behind(store, str(row["strategy"]), str(name), known)


def _same(asked: str, value: float) -> bool:
    """Whether a number equals the typed one, once it is rounded to the same digits."""
    try:
        wanted = float(asked)
    except ValueError:
        return False
    digits = len(asked.partition(".")[2])
    return digits > 0 and round(value, digits) == wanted


def _behind(store: Store, strategy: str, column: str, made_of: Mapping[str, list[str]]) -> Iterator[ArtifactId]:
    if column.startswith(("accuracy", "gain")):
        names = [name for name in made_of["results"] if name.split("/")[3] == strategy]
    else:
        inputs = [one for name in made_of["rankings"] if store.holds(name) for one in _facts(store, name)["inputs"]]
        metric = column.removeprefix("rank_")
        names = [one for one in inputs if one.startswith("scores/") and one.split("/")[3] == strategy
                 and one.split("/")[4].rpartition("-")[0] == metric]  # fmt: skip
    yield from (store.open(name) for name in dict.fromkeys(names) if store.holds(name))


def _facts(store: Store, name: str) -> dict[str, Any]:
    return store.provenance(store.open(name))


def _lines(store: Store, name: str, indent: str, said: set[str], above: tuple[str, str]) -> Iterator[str]:
    """The lines of one artifact and its parents; command and versions only where they differ from those above."""
    if name in said:
        yield f"{indent}{name} (above)"
        return
    said.add(name)
    facts = _facts(store, name)
    yield f"{indent}{name}"
    below = f"{indent}    "
    versions, command = facts.get("versions", {}), facts.get("command", "")
    used = ", ".join(f"{one} {versions[one]}" for one in ("sppl", *VERSIONED) if one in versions)
    used += f"; commit {facts.get('commit') or 'unknown'}"
    yield f"{below}{_figures(facts)}made {facts.get('created', '?')} in {facts.get('seconds', 0):g} s"
    if command != above[0]:
        yield f"{below}by: {command}"
    if used != above[1]:
        yield f"{below}with: {used}"
    yield f"{below}settings: {_settings(facts['settings'])}"
    for parent, digest in facts["inputs"].items():
        if store.holds(parent):
            yield from _lines(store, parent, below, said, (command, used))
        else:
            yield f"{below}{parent}: {digest}{_source(parent, facts.get('config', {}))}"


def _figures(facts: Mapping[str, Any]) -> str:
    """The accuracy or value of an artifact, where it is one number."""
    found = [f"accuracy {facts['accuracy']:.4f}, "] if "accuracy" in facts else []
    found += [f"{facts['rows']} rows, "] if "rows" in facts else []
    return "".join(found)


def _settings(settings: Mapping[str, Any]) -> str:
    parts = []
    for key, value in settings.items():
        text = json.dumps(value, ensure_ascii=False)
        parts.append(f"{key} {text if len(text) <= 160 else text[:157] + '...'}")
    more = f"; and {len(parts) - SHOWN} more" if len(parts) > SHOWN else ""
    return "; ".join(parts[:SHOWN]) + more


def _source(parent: str, config: Mapping[str, Any]) -> str:
    """Where a source that is no artifact lies, as the configuration of the job says."""
    benchmark, target = config.get("benchmark", {}), config.get("target_model", {})
    if parent.startswith("target model"):
        return f" (target_model.path={target.get('path')}, dtype={target.get('dtype')})"
    if parent.startswith("questions of"):
        where = config.get("data_dir") or benchmark.get("source") or "files"
        return f" (benchmark={benchmark.get('name')}, from {where})"
    if parent == "judge":
        return f" (benchmark.task={benchmark.get('task') or benchmark.get('answer')})"
    return ""
