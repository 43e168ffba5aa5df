"""Whether two commits make the same artifacts and tables, to the last digit: compare.py COMMIT_A COMMIT_B.

Both are checked out beside each other; each runs the loop on the lab, the tables of the paper and small runs of every
metric, a race and a shortlist, into stores of its own. `+` after a commit means the working tree as it stands. The code
of a metric is a part of the names of its scores, by design; here it is held fixed, so that a metric that was edited and
says the same is told from one that does not.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

SMALL = ["n_train=24", "n_test=8", "n_score=6", "n_predict=12", "n_pilot=8", "training.epochs=1", "metric.grace.dim=16"]
RUNS = {
    "lab": [],
    "paper": ["experiment=paper"],
    "metrics_lab": ["experiment=metrics_lab", "metric=[all]", "hydra.mode=RUN", *SMALL],
    "race": ["strategy=[gpt4,claude,rewrite,best_response]", "metric=[sppl,perplexity]", "scorer.budget=race",
             "scorer.first=4", "scorer.then=2", "stage=[generate,predict,score,rank]", *SMALL[:5]],
    "shortlist": ["stage=[generate,predict,score,rank,shortlist]", "n_validation=8", *SMALL[:6]],
}  # fmt: skip
"""What is typed for each run."""
FIXED = "import sppl.artifacts.code_identity as code; code.code_of = lambda thing: 'held fixed'"
"""What Python does first in every run."""
MEASURED = ["seconds", "created", "versions", "commit", "command", "config", "device", "peak_memory_mib", "costs"]
"""What provenance says of the run itself, or of time."""


def main() -> int:
    """Runs what is to be compared, and says what differs; 0 where nothing does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commits", nargs=2)
    parser.add_argument("--runs", nargs="*", default=list(RUNS), choices=RUNS)
    parser.add_argument("--kept", type=Path, help="folder where the runs are kept, and found again by the same commit")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        places = [made(commit, given.runs, (given.kept or Path(folder)) / f"{commit}") for commit in given.commits]
        wrong = [line for run in given.runs for line in differences(run, *(place / run for place in places))]
    print("\n".join(wrong) or "no difference")
    return min(1, len(wrong))


def made(commit: str, runs: list[str], place: Path) -> Path:
    """The folder of a commit's runs; those that are not there are made."""
    if todo := [run for run in runs if not (place / run / "reports").exists()]:
        with tempfile.TemporaryDirectory() as tree:
            files = subprocess.run(["git", "archive", commit.rstrip("+")], capture_output=True, check=True).stdout
            subprocess.run(["tar", "-x", "-C", tree], input=files, check=True)
            where = Path.cwd() if commit.endswith("+") else Path(tree)
            for run in todo:
                start(where, RUNS[run], (place / run).resolve())
    return place


def start(tree: Path, typed: list[str], place: Path) -> None:
    """One run with the code of a tree, everything it writes below a folder."""
    place.mkdir(parents=True, exist_ok=True)
    to = [f"store={place}/store", f"reports={place}/reports", f"hydra.run.dir={place}/run"]
    (place / "sitecustomize.py").write_text(FIXED)
    path = os.pathsep.join([str(tree), str(place)])
    surroundings = os.environ | {"PYTHONPATH": path, "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1"}
    with (place / "output.txt").open("w") as out:
        subprocess.run(
            [sys.executable, "run.py", *typed, *to], cwd=tree, env=surroundings, stdout=out, stderr=out, check=True
        )


def differences(run: str, *places: Path) -> list[str]:
    """What two runs of the same command do not have in common, in lines."""
    one, other = (artifacts(place / "store") for place in places)
    lines = [f"{run}: {name}: made by {who} alone" for who, name in (
        *(("the first", name) for name in sorted(one.keys() - other.keys())),
        *(("the second", name) for name in sorted(other.keys() - one.keys())),
    )]  # fmt: skip
    for name in sorted(one.keys() & other.keys()):
        parts = [
            key for key in sorted(one[name].keys() | other[name].keys()) if one[name].get(key) != other[name].get(key)
        ]
        lines += [f"{run}: {name}: {', '.join(parts)} differ"] if parts else []
    reports = [tables(place / "reports") for place in places]
    for name in sorted(reports[0].keys() | reports[1].keys()):
        frames = [report.get(name) for report in reports]
        if any(frame is None for frame in frames) or not frames[0].equals(frames[1]):
            lines.append(f"{run}: the report's {name} differs")
    print(f"{run}: {len(one)} artifacts and {len(reports[0])} tables of the first, {len(lines)} differences")
    return lines


def artifacts(store: Path) -> dict[str, dict]:
    """What the provenance of every artifact says, but for what is of the run itself."""
    found = {}
    for path in sorted(store.rglob("*.json")):
        name = path.relative_to(store).with_suffix("").as_posix()
        facts = json.loads(path.read_text())
        if "/" in name and "settings" in facts and not any(part.endswith(".parts") for part in path.parts):
            found[name] = {key: value for key, value in facts.items() if key not in MEASURED}
    return found


def tables(reports: Path) -> dict[str, pd.DataFrame]:
    """The report's tables, without what was measured by the clock."""
    paths = sorted(reports.rglob("*.csv"))
    return {path.name: pd.read_csv(path, dtype=str).drop(columns="seconds", errors="ignore") for path in paths}


if __name__ == "__main__":
    sys.exit(main())
