"""The folder of a report, named so that reports of other tasks are not replaced."""

from collections.abc import Collection, Sequence
from pathlib import Path

from sppl.names import task_name

LAB = "lab"
"""The built-in task, whose name is not added to the folder's."""


def report_folder(folder: Path, benchmarks: Collection[str], data: str | None, typed: Sequence[str]) -> Path:
    """Returns the folder with the task's name added, unless a `name` was typed or it is about the lab or several tasks.

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
