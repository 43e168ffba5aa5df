"""Where a report lies, so that one of another task does not take its place."""

from collections.abc import Collection, Sequence
from pathlib import Path

from sppl.names import task_name

LAB = "lab"
"""The built-in task, whose reports carry no task's name."""


def report_folder(folder: Path, benchmarks: Collection[str], data: str | None, typed: Sequence[str]) -> Path:
    """The folder itself where a `name` was typed, of the lab, and of several tasks; else the task's name is added.

    Args:
        folder: as the configuration has it: that of reports, and the command's name.
        benchmarks: those that the report is about.
        data: the folder of a user's own data, if there is one.
        typed: the words of the command.
    """
    tasks = sorted(set(benchmarks))
    if len(tasks) != 1 or tasks == [LAB] or any(word.startswith("name=") for word in typed):
        return folder
    return folder.with_name(f"{folder.name}-{task_name(tasks[0], data)}")
