"""Work grows with what there is to do, not faster: processor time at four sizes, and the exponent of its growth."""

import csv
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import linregress

from sppl.artifacts.store import Store
from sppl.cli.jobs import jobs_in
from sppl.cli.ledger import Ledger
from sppl.cli.sweeps import plan
from sppl.data.contents import _read, read_contents
from sppl.keys import check_for_keys


def seconds(work: Callable[[], object]) -> float:
    """Processor time of the shortest of four runs: what else the machine does makes them longer only."""
    times = []
    for _ in range(4):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return min(times)


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, Python's own too: the same number whatever else the machine does."""
    number = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return number


def exponent(sizes: Sequence[int], took: Sequence[float]) -> float:
    """The slope of a straight line through the logarithms."""
    return linregress(np.log(sizes), np.log(took)).slope


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


@pytest.mark.faults
@pytest.mark.parametrize("ending", ["jsonl", "json", "csv"])
def test_reading_a_file_takes_time_in_proportion_to_its_records(ending, tmp_path, shown):
    sizes, took = [2500, 5000, 10000, 20000], []
    for n in sizes:
        path = tmp_path / f"x{n}.{ending}"
        write(path, n)
        took.append(seconds(lambda path=path: (_read.cache_clear(), read_contents(path))))
    grown = exponent(sizes, took)
    shown(f"{ending}: {', '.join(f'{n}: {t:.2f} s' for n, t in zip(sizes, took, strict=True))}; exponent {grown:.2f}")
    assert grown <= 1.1


def test_planning_a_sweep_and_reading_its_records_takes_steps_in_proportion_to_its_jobs(tmp_path, shown):
    sizes = [40, 80, 160, 320]
    config = {"stage": {"generate": {"folder": "x"}}, "store": f"{tmp_path}/store"}
    planned, read_again = [], []
    for n in sizes:
        folder, points = tmp_path / str(n), [[f"seed={number}"] for number in range(n)]
        ledger = Ledger(Store(f"{tmp_path}/store"), [])
        planned.append(calls(partial(plan, folder, points, lambda _: config, ledger)))
        read_again.append(calls(partial(jobs_in, folder, 0, frozenset())))
    found = exponent(sizes, planned), exponent(sizes, read_again)
    shown(f"planning {found[0]:.2f}, records {found[1]:.2f}")
    assert max(found) <= 1.1


def test_a_configuration_is_checked_for_keys_in_steps_of_its_texts_plus_the_variables_not_times(monkeypatch):
    check = partial(check_for_keys, {f"setting{at}": "text" for at in range(500)})
    alone = calls(check)
    for at in range(500):
        monkeypatch.setenv(f"VARIABLE_{at}", "text")
    assert calls(check) < 3 * alone
