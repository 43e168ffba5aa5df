"""Work grows with what there is to do, not faster: processor time at four sizes, and the exponent of its growth."""

import csv
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sppl.data.reading import _read, read

pytestmark = pytest.mark.faults


def seconds(work: Callable[[], object]) -> float:
    """The shorter of two runs: what else the machine does makes them longer only."""
    times = []
    for _ in range(2):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return min(times)


def exponent(sizes: Sequence[int], took: Sequence[float]) -> float:
    return math.log(took[-1] / took[0]) / math.log(sizes[-1] / sizes[0])


def write(path: Path, n: int) -> None:
    rows = [
        {"id": f"q{at}", "question": f"How many, {at}? " * 10, "response": f"Step {at}. " * 60, "gold_label": "1"}
        for at in range(n)
    ]
    with path.open("w", newline="") as file:
        if path.suffix == ".csv":
            table = csv.DictWriter(file, rows[0])
            table.writeheader()
            table.writerows(rows)
        else:
            lines = [json.dumps(row) for row in rows]
            file.write("\n".join(lines) if path.suffix == ".jsonl" else "[\n" + ",\n".join(lines) + "\n]")


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv"])
def test_reading_a_file_takes_time_in_proportion_to_its_records(ending, tmp_path, shown):
    sizes, took = [2500, 5000, 10000, 20000], []
    for n in sizes:
        path = tmp_path / f"x{n}.{ending}"
        write(path, n)
        took.append(seconds(lambda path=path: (_read.cache_clear(), read(path))))
    grown = exponent(sizes, took)
    shown(f"{ending}: {', '.join(f'{n}: {t:.2f} s' for n, t in zip(sizes, took, strict=True))}; exponent {grown:.2f}")
    assert grown < 1.2
