"""Sweeps that are done already, of more and more jobs: what finding them again and reporting on them takes.

python experiments/scale/measure.py 100 300 1000
"""

import argparse
import csv
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from hydra import compose, initialize_config_dir  # noqa: E402
from hydra.utils import instantiate  # noqa: E402

from sppl.artifacts.store import Store  # noqa: E402
from sppl.cli.jobs import Job, jobs_in  # noqa: E402
from sppl.cli.ledger import Ledger  # noqa: E402
from sppl.cli.settings import as_plain  # noqa: E402
from sppl.cli.sweeps import plan  # noqa: E402
from sppl.packaged import conf  # noqa: E402

STRATEGIES = ["gpt4", "claude", "mini_gpt4", "step_by_step", "rewrite", "human_examples", "code", "self_check"]
STRATEGIES += ["self_generated", "groundtruth"]
QUESTIONS = 50
SETUP = {"n_train": 400, "epochs": 5, "batch_size": 16, "learning_rate": 1e-3, "schedule": "cosine", "warmup": 0.03}


def command(seeds: int, folder: Path) -> list[str]:
    """The sweep, as typed."""
    places = [f"store={folder}/store", f"reports={folder}/reports"]
    stages = "stage=[finetune,benchmark,report]"
    return [f"strategy={','.join(STRATEGIES)}", f"seed=range(0,{seeds})", stages, "name=scale", *places]


def jobs_of(seeds: int, folder: Path) -> list[Job]:
    """The jobs of the sweep, as Hydra expands it, with their configuration."""
    jobs, rest = [], command(seeds, folder)[2:]
    with initialize_config_dir(str(conf()), version_base="1.3"):
        for strategy in STRATEGIES:
            config = as_plain(compose("config", overrides=[f"strategy={strategy}", *rest]))
            for seed in range(seeds):
                overrides = [f"strategy={strategy}", f"seed={seed}", *rest]
                jobs.append(Job(folder / "done" / str(len(jobs)), overrides, seeded(config, seed)))
    return jobs


def seeded(value: Any, seed: int) -> Any:
    """The configuration with another seed in it."""
    if isinstance(value, dict):
        return {key: seed if key == "seed" else seeded(part, seed) for key, part in value.items()}
    return [seeded(part, seed) for part in value] if isinstance(value, list) else value


def fill(jobs: list[Job], store: Store, ledger: Ledger) -> None:
    """The artifacts and records that these jobs would have left, with made-up answers."""
    rng = np.random.default_rng(0)
    for job in jobs:
        ((strategy, _),) = job.config["strategy"].items()
        seed = job.config["seed"]
        adapter = store.artifact_id("adapters", "lab", "lab", strategy, f"seed{seed}", settings={"seed": seed})
        made = store.parts(adapter) / "made"
        made.mkdir()
        (made / "adapter_model.safetensors").write_bytes(rng.bytes(4096))
        store.write_folder(adapter, made, {}, 0.0)
        store.clear_parts(adapter)
        result = store.artifact_id("results", "lab", "lab", strategy, f"seed{seed}", settings={"adapter": adapter.name})
        correct = rng.integers(0, 2, QUESTIONS).astype(float)
        ids = [f"test-{number}" for number in range(QUESTIONS)]
        frame = pd.DataFrame({"question_id": ids, "answer": "42", "correct": correct})
        facts = {"accuracy": float(correct.mean()), "setup": SETUP, "seed": seed}
        store.write(result, frame, {adapter.name: store.digest(adapter)}, 0.0, **facts)
        job.done({"finetune": [adapter.name], "benchmark": [result.name]})
        ledger.remember(job)


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return round(time.perf_counter() - start, 2)


def measured(n: int, folder: Path) -> dict[str, float]:
    """Seconds of every step for `n` jobs."""
    seeds = n // len(STRATEGIES)
    store, ledger = Store(f"{folder}/store"), Ledger(Store(f"{folder}/store"), [conf()])
    jobs = jobs_of(seeds, folder)
    fill(jobs, store, ledger)
    results = [name for job in jobs for name in job.artifacts["benchmark"]]
    known = ledger.components()
    report = jobs[0].config["stage"]["report"]
    again = [job.overrides for job in jobs]
    typed = [sys.executable, "run.py", "-m", *command(seeds, folder), f"hydra.sweep.dir={folder}/sweep"]
    return {
        "jobs": n,
        "list": seconds(lambda: [store.artifacts("results", "lab", "lab", one) for one in STRATEGIES]),
        "look_up": seconds(lambda: plan(folder / "again", again, lambda _: {}, Ledger(store, [conf()]))),
        "records": seconds(lambda: jobs_in(folder / "done", 0, known)),
        "report": seconds(
            lambda: instantiate(report, _partial_=True, _convert_="all")(store=store, rankings=[], results=results)
        ),
        "command": seconds(lambda: subprocess.run(typed, cwd=ROOT, check=True, capture_output=True)),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", type=int, nargs="+")
    logging.disable()
    rows = []
    for n in parser.parse_args().sizes:
        with tempfile.TemporaryDirectory() as name:
            rows.append(measured(n, Path(name)))
        print(rows[-1], flush=True)
    out = ROOT / "outputs" / "reports" / "scale"
    out.mkdir(parents=True, exist_ok=True)
    with (out / "table.csv").open("w") as file:
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    main()
