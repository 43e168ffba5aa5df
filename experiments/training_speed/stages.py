"""Where the time of a three-strategy sweep goes, and what starting costs.

python experiments/training_speed/stages.py --rounds 3 [overrides of run.py, for a smaller loop]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
OUT = ROOT / "outputs" / "reports" / "training_speed"
STAGE_OF = {
    "responses": "generate",
    "predictions": "predict",
    "token_stats": "score",
    "adapters": "finetune",
    "results": "benchmark",
    "scores": "rank",
    "rankings": "rank",
}
"""Which stage makes a kind of artifact."""
REST = "start-up, imports, report"
STARTS = {
    "--help": ["run.py", "--help"],
    "--cfg job": ["run.py", "--cfg", "job"],
    "import torch": ["-c", "import torch"],
    "import pytorch_lightning": ["-c", "import pytorch_lightning"],
    "import peft": ["-c", "import peft"],
    "import lm_eval": ["-c", "import lm_eval.models.huggingface"],
}


def seconds(arguments: list[str]) -> float:
    """Wall time of one process of this Python."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - start


def sweep(overrides: list[str], folder: Path) -> list[str]:
    places = [f"store={folder}/store", f"reports={folder}/reports", f"hydra.sweep.dir={folder}/sweep"]
    return ["run.py", "-m", "strategy=gpt4,claude,rewrite", *places, *overrides]


def by_stage(store: Path, wall: float) -> dict[str, float]:
    """Seconds per stage as the provenance of its artifacts tells them, and what is left of the wall time."""
    found = dict.fromkeys(dict.fromkeys(STAGE_OF.values()), 0.0)
    for path in store.rglob("*.json"):
        provenance = json.loads(path.read_text())
        if isinstance(provenance, dict) and "artifact" in provenance:
            found[STAGE_OF[provenance["artifact"].split("/")[0]]] += provenance["seconds"]
    return found | {REST: wall - sum(found.values())}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    asked, overrides = parser.parse_known_args()
    stages, starts = [], []
    for _ in range(asked.rounds):
        with tempfile.TemporaryDirectory() as name:
            command = sweep(overrides, Path(name))
            wall = seconds(command)
            stages.append(by_stage(Path(name, "store"), wall) | {"all": wall})
            costs = {"the same sweep again": seconds(command), "dry=true": seconds([*command, "dry=true"])}
        starts.append({what: seconds(arguments) for what, arguments in STARTS.items()} | costs)
    OUT.mkdir(parents=True, exist_ok=True)
    medians = pd.DataFrame(stages).median()
    table = pd.DataFrame({"stage": medians.index, "seconds": medians, "share": medians / medians["all"]})
    table.round({"seconds": 1, "share": 3}).to_csv(OUT / "stages.csv", index=False)
    first = pd.DataFrame(starts).median().rename_axis("what").reset_index(name="seconds")
    first.round(1).to_csv(OUT / "start_up.csv", index=False)
    print((OUT / "stages.csv").read_text(), (OUT / "start_up.csv").read_text(), sep="\n")


if __name__ == "__main__":
    main()
