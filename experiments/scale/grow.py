"""How processor time and memory of whole commands grow: files, wide comparisons, long files, sweeps.

    python experiments/scale/grow.py files 625 1250 2500 5000
    python experiments/scale/grow.py wide 25 50 100 200
    python experiments/scale/grow.py ranking 25 50 100 200
    python experiments/scale/grow.py lines 25 50 100 200
    python experiments/scale/grow.py sweep 38 75 150 300

Prints a row per size: seconds of processor time once libraries are loaded, the largest memory of the process in MB
(libraries too), and what the work leaves. The exponent is that of what grows: from each figure and each size those
of a smallest command (`START`) are taken.
"""

import argparse
import json
import math
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from sppl.analysis.ranking import rank  # noqa: E402
from sppl.cli import main, overview, sweeps  # noqa: E402
from sppl.data.contents import read_contents  # noqa: E402

RATIO = "sppl.metrics.rank_surprisal_ratio.RankSurprisalRatio"
METRICS = ["metric=[length,perplexity,log_probability,rank_surprisal_ratio]"]
METRICS += [f"+metric.ratio_{n}={{_target_: {RATIO}, clip: {n}, higher_is_better: false}}" for n in range(110, 270, 10)]
"""Twenty that read one table of token statistics: what is measured is all that comes after the model."""
OWN = ["benchmark=local", "benchmark.answer=number", "logger=[]", "name=grown"]
WORDS = ("shelf", "holds", "books", "some", "are", "borrowed", "others", "come", "back", "count", "again")
START = {"files": 12, "wide": 2, "ranking": 2, "lines": 0.01, "sweep": 1}
"""The smallest size of each, whose time counts as starting."""


def write_files(folder: Path, questions: int, strategies: int, words: int) -> None:
    """A file of questions and one of responses per strategy."""
    draw = random.Random(0)
    folder.mkdir(parents=True)
    with (folder / "questions.jsonl").open("w") as file:
        for at in range(questions):
            file.write(
                json.dumps({"id": f"q{at}", "question": f"How many, {at} and 1?", "gold_label": str(at + 1)}) + "\n"
            )
    for number in range(strategies):
        with (folder / f"s{number:03}.jsonl").open("w") as file:
            for at in range(questions):
                text = " ".join(draw.choices(WORDS, k=words + number % 3))
                file.write(json.dumps({"id": f"q{at}", "response": f"{text}\nFinal Answer: {at + 1}"}) + "\n")


def spent(typed: list[str], folder: Path) -> tuple[float, float]:
    """Seconds of processor time and MB that a command takes in a process that has loaded the libraries."""
    if not (pid := os.fork()):
        with (folder / "said.txt").open("w") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            sys.argv = ["run.py", *typed]
            status = main.main()
        os._exit(status)
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit((folder / "said.txt").read_text()[-2000:])
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3


def places(folder: Path) -> list[str]:
    return [f"store={folder}/store", f"reports={folder}/reports"]


def files(size: float, folder: Path) -> dict:
    """So many questions in files of six strategies: read, joined, judged, written to the store."""
    write_files(folder / "data", int(size), 6, 20)
    command = ["stage=[generate]", f"data_dir={folder}/data", *OWN, *places(folder), f"hydra.run.dir={folder}/run"]
    seconds, memory = spent([*command, "n_train=all", "n_score=1"], folder)
    return {"seconds": seconds, "memory": memory}


def wide(size: float, folder: Path) -> dict:
    """So many strategies and all these metrics, on few questions; of its page the MB and the seconds it opens in."""
    write_files(folder / "data", 12, int(size), 8)
    command = ["stage=[generate,score,rank,report]", f"data_dir={folder}/data", *OWN]
    chosen = [*METRICS, "n_score=6", "n_train=12"]
    seconds, memory = spent([*command, *chosen, *places(folder), f"hydra.run.dir={folder}/run"], folder)
    page = folder / "reports/grown/index.html"
    return {"seconds": seconds, "memory": memory, "page": page.stat().st_size / 1e6, "opens": opens(page)}


def opens(page: Path) -> float:
    """Seconds until Chromium has loaded and drawn a page from disk; 0 where it is not installed."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not driver:
        return 0.0
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in ("--headless", "--no-sandbox", "--disable-gpu"):
        options.add_argument(flag)
    with webdriver.Chrome(options=options, service=Service(driver)) as browser:
        begun = time.perf_counter()
        browser.get(page.as_uri())
        browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        return time.perf_counter() - begun


@dataclass(frozen=True)
class Mean:
    """A metric that is the mean of its scores."""

    name: str
    higher_is_better: bool = False

    def aggregate(self, scores: pd.DataFrame) -> float:
        return float(scores["value"].mean())


def ranking(size: float, _: Path) -> dict:
    """So many strategies ranked by twenty metrics on six questions, with their intervals; no model, no files."""
    metrics = [Mean(f"m{number}") for number in range(20)]
    every = product(range(int(size)), (one.name for one in metrics), range(6))
    keys = [(f"s{strategy:03}", metric, f"q{question}") for strategy, metric, question in every]
    scores = pd.DataFrame(keys, columns=["strategy", "metric", "example_id"])
    scores = scores.assign(benchmark="b", target_model="t", value=np.random.default_rng(0).random(len(scores)))
    before = time.process_time()
    rank(scores, metrics)
    return {"seconds": time.process_time() - before, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3}


def lines(size: float, folder: Path) -> dict:
    """A file of JSON lines of so many MB, read by a command that prints how many there are."""
    row = {"question": "How many? " * 10, "response": "Step 1. " * 60, "gold_label": "1"}
    with (folder / "x.jsonl").open("w") as file:
        for at in range(int(size * 1e6 / 700)):
            file.write(json.dumps({"id": f"q{at}", **row}) + "\n")
    if not (pid := os.fork()):
        os._exit(not read_contents(folder / "x.jsonl").rows)
    _, _, usage = os.wait4(pid, 0)
    return {"seconds": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss / 1e3}


def sweep(size: float, folder: Path) -> dict:
    """So many jobs that each only write down eight responses; its three parts apart."""
    command = ["-m", "stage=[generate]", "strategy=gpt4", "n_score=1", "n_train=8", "logger=[]"]
    points = [f"seed=range(0,{int(size)})", *places(folder), f"hydra.sweep.dir={folder}/sweep"]
    sweeps.plan, sweeps.start = timed("planning", sweeps.plan), timed("starting", sweeps.start)
    overview.summarise = timed("summary", overview.summarise)
    seconds, memory = spent([*command, *points], folder)
    parts = [line.split() for line in (folder / "said.txt").read_text().splitlines() if line.startswith("PART ")]
    return {"seconds": seconds, "memory": memory, **{name: float(value) for _, name, value in parts}}


def timed(name: str, call: Callable) -> Callable:
    """The same, saying afterwards what processor time it took; one that says so already is left as it is."""

    def measured(*given: Any, **named: Any) -> Any:
        before = time.process_time()
        try:
            return call(*given, **named)
        finally:
            print(f"PART {name} {time.process_time() - before:.3f}", flush=True)

    measured.__name__ = "measured"
    return call if call.__name__ == "measured" else measured


def exponent(sizes: list[float], took: list[float]) -> float:
    """The slope of a straight line through the logarithms."""
    x, y = [math.log(one) for one in sizes], [math.log(max(one, 1e-3)) for one in took]
    mean = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean[0]) * (b - mean[1]) for a, b in zip(x, y, strict=True)) / sum((a - mean[0]) ** 2 for a in x)


def measure() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=START)
    parser.add_argument("sizes", type=float, nargs="+")
    given = parser.parse_args()
    os.chdir(ROOT)
    for name in ("torch", "transformers", "lm_eval", "sppl.stages.report", "sppl.stages.score", "sppl.stages.generate"):
        import_module(name)
    rows = []
    for size in [START[given.what], *given.sizes]:
        with tempfile.TemporaryDirectory() as name:
            rows.append(globals()[given.what](size, Path(name)))
        print(f"{size:g}:", ", ".join(f"{key} {value:.2f}" for key, value in rows[-1].items()), flush=True)
    for key in rows[0]:
        if key not in ("memory", "opens"):
            grown = [row[key] - rows[0][key] for row in rows[1:]]
            more = [size - START[given.what] for size in given.sizes]
            print(f"exponent of {key}: {exponent(more, grown):.2f}")


if __name__ == "__main__":
    measure()
