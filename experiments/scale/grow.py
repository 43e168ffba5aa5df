"""How processor time and memory of whole commands grow: files, wide comparisons, long files, sweeps.

    python experiments/scale/grow.py files 600 1250 2500 5000
    python experiments/scale/grow.py wide 25 50 100 200
    python experiments/scale/grow.py lines 25 50 100 200
    python experiments/scale/grow.py sweep 38 75 150 300

Prints a row per size: seconds of processor time (of the command and all its children), the largest memory of one
process in MB, and what the work leaves. The exponent is that of what grows: from each time that of the smallest
possible command (`START` of the unit) is taken, which is starting Python and loading libraries.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
RATIO = "sppl.metrics.rank_surprisal_ratio.RankSurprisalRatio"
METRICS = ["metric=[length,perplexity,log_probability,rank_surprisal_ratio]"]
METRICS += [f"+metric.ratio_{n}={{_target_: {RATIO}, clip: {n}, higher_is_better: false}}" for n in range(110, 270, 10)]
"""Twenty that read one table of token statistics: what is measured is all that comes after the model."""
OWN = ["benchmark=local", "benchmark.answer=number", "logger=[]", "name=grown"]
WORDS = ("shelf", "holds", "books", "some", "are", "borrowed", "others", "come", "back", "count", "again")
START = {"files": 12, "wide": 2, "lines": 0.01, "sweep": 1}
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


def spent(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds of processor time and MB that a command took."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": str(ROOT)}
    with (folder / "said.txt").open("w") as said:
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit((folder / "said.txt").read_text()[-2000:])
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3


def places(folder: Path) -> list[str]:
    return [f"store={folder}/store", f"reports={folder}/reports"]


def files(size: float, folder: Path) -> dict:
    """So many questions, six strategies, all of them scored."""
    write_files(folder / "data", int(size), 6, 20)
    command = [
        sys.executable,
        "run.py",
        "stage=[generate,score,rank,report]",
        f"data_dir={folder}/data",
        *OWN,
        *places(folder),
    ]
    seconds, memory = spent(
        [*command, "metric=[length,perplexity]", f"n_score={int(size)}", "n_train=all", f"hydra.run.dir={folder}/run"],
        folder,
    )
    return {"seconds": seconds, "memory": memory}


def wide(size: float, folder: Path) -> dict:
    """So many strategies and all these metrics, on few questions; `page` is the page's MB."""
    write_files(folder / "data", 12, int(size), 8)
    command = [sys.executable, "run.py", "stage=[generate,score,rank,report]", f"data_dir={folder}/data", *OWN]
    chosen = [*METRICS, "n_score=6", "n_train=12"]
    seconds, memory = spent([*command, *chosen, *places(folder), f"hydra.run.dir={folder}/run"], folder)
    return {"seconds": seconds, "memory": memory, "page": (folder / "reports/grown/index.html").stat().st_size / 1e6}


LINES = """
import sys
from pathlib import Path
from sppl.data.reading import read
path = Path(sys.argv[1])
print(len(read(path).rows))
"""


def lines(size: float, folder: Path) -> dict:
    """A file of JSON lines of so many MB, written and read."""
    path, row = folder / "x.jsonl", {"question": "How many? " * 10, "response": "Step 1. " * 60, "gold_label": "1"}
    with path.open("w") as file:
        for at in range(int(size * 1e6 / 700)):
            file.write(json.dumps({"id": f"q{at}", **row}) + "\n")
    seconds, memory = spent([sys.executable, "-c", LINES, str(path)], folder)
    return {"seconds": seconds, "memory": memory}


SWEEP = """
import resource, sys
sys.path.insert(0, ".")
from sppl.cli import main, overview, sweeps

def timed(name, call):
    def measured(*given, **named):
        before = sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime for who in (0, -1))
        try:
            return call(*given, **named)
        finally:
            after = sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime for who in (0, -1))
            print(f"PART {name} {after - before:.3f}", flush=True)
    return measured

sweeps.plan = timed("planning", sweeps.plan)
sweeps.start = timed("starting", sweeps.start)
overview.summarise = timed("summary", overview.summarise)
sys.argv = ["run.py", *sys.argv[1:]]
sys.exit(main.main())
"""


def sweep(size: float, folder: Path) -> dict:
    """So many jobs that each only write down eight responses."""
    command = [
        sys.executable,
        "-c",
        SWEEP,
        "-m",
        "stage=[generate]",
        "strategy=gpt4",
        "n_score=1",
        f"seed=range(0,{int(size)})",
    ]
    seconds, memory = spent(
        [*command, "n_train=8", "logger=[]", *places(folder), f"hydra.sweep.dir={folder}/sweep"], folder
    )
    parts = [line.split() for line in (folder / "said.txt").read_text().splitlines() if line.startswith("PART ")]
    return {"seconds": seconds, "memory": memory, **{name: float(value) for _, name, value in parts}}


def exponent(sizes: list[float], took: list[float]) -> float:
    """The slope of a straight line through the logarithms."""
    x, y = [math.log(one) for one in sizes], [math.log(max(one, 1e-3)) for one in took]
    mean = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean[0]) * (b - mean[1]) for a, b in zip(x, y, strict=True)) / sum((a - mean[0]) ** 2 for a in x)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=START)
    parser.add_argument("sizes", type=float, nargs="+")
    given = parser.parse_args()
    rows = []
    for size in [START[given.what], *given.sizes]:
        with tempfile.TemporaryDirectory() as name:
            rows.append(globals()[given.what](size, Path(name)))
        print(f"{size:g}:", ", ".join(f"{key} {value:.2f}" for key, value in rows[-1].items()), flush=True)
    for key in rows[0]:
        if key != "memory":
            grown = [row[key] - rows[0][key] for row in rows[1:]]
            print(f"exponent of {key}: {exponent(given.sizes, grown):.2f}")


if __name__ == "__main__":
    main()
