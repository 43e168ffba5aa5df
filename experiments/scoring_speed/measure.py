"""Times every method on one workload with one model, in turns, and writes one row per method as JSON lines.

python experiments/scoring_speed/measure.py --workload gsm8k --model 15m --vocabulary 32000 --out rows.jsonl
"""

import argparse
import ctypes
import json
import logging
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import methods
import numpy as np
import torch
import workloads

from sppl.modules.planner import lower_bound, plan
from sppl.modules.requests import Request

Variant = tuple[Callable, list[Request]]
CLEAR_PEAK = Path("/proc/self/clear_refs")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workload", choices=list(workloads.MEANS), required=True)
    parser.add_argument("--model", choices=list(workloads.MODELS), required=True)
    parser.add_argument("--vocabulary", type=int, required=True)
    parser.add_argument("--questions", type=int, default=3)
    parser.add_argument("--strategies", type=int, nargs="+", default=[1, 6], help="rows of ours, one per number")
    parser.add_argument("--examples", type=int, default=2, help="own answers in the prompt")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--max-tokens", type=int, default=4096)
    parser.add_argument("--methods", nargs="+", default=["one_by_one", "lm_eval", "padded", "ours"])
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    logging.disable(logging.WARNING)
    model = workloads.random_model(asked.model, asked.vocabulary)
    most = max(asked.strategies)
    requests = workloads.requests_of(
        asked.workload, questions=asked.questions, strategies=most, examples=asked.examples, vocabulary=asked.vocabulary
    )
    runs = variants(asked, requests, most)
    with torch.inference_mode():
        first = {name: peak_of(lambda run=run: run[0](model, run[1])) for name, run in runs.items()}
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(asked.rounds):
            for name, (method, subset) in runs.items():
                begun = time.perf_counter()
                method(model, subset)
                seconds[name].append(time.perf_counter() - begun)
    rows = [row(asked, name, runs, model, first, seconds) for name in runs]
    with asked.out.open("a") as file:
        file.writelines(json.dumps(one) + "\n" for one in rows)
    for one in rows:
        print({key: round(value, 3) if isinstance(value, float) else value for key, value in one.items()})


def variants(
    asked: argparse.Namespace, requests: list[Request], most: int
) -> dict[str, tuple[Callable, list[Request]]]:
    """Each row's method and requests; ours once per number of strategies, and the paper's loop on as many."""
    budget = asked.max_tokens
    plain = {
        "one_by_one": methods.one_by_one,
        "lm_eval": methods.lm_eval,
        "padded": lambda model, subset: methods.padded(model, subset, max_tokens=budget),
    }
    runs = {name: (method, requests) for name, method in plain.items() if name in asked.methods}
    for number in asked.strategies:
        subset = first_strategies(requests, number, most)
        if number < most:
            runs[f"one_by_one_{number}"] = (methods.one_by_one, subset)
        runs[f"ours_{number}"] = (lambda model, some: methods.ours(model, some, max_tokens=budget), subset)
    return runs


def peak_of(run: Callable[[], list[float]]) -> tuple[list[float], float]:
    """What a run returns, and by how many MB the process grew at most meanwhile."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # or memory that an earlier method freed counts as there already
    CLEAR_PEAK.write_text("5")
    before = _status("VmRSS")
    losses = run()
    return losses, (_status("VmHWM") - before) / 1024


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def row(asked, name, runs, model, first, seconds) -> dict:
    """One row of the table: medians of seconds and of ratios to the paper's loop on the same requests."""
    most, subset = max(asked.strategies), runs[name][1]
    number = int(name.rsplit("_", 1)[1]) if name.startswith(("ours_", "one_by_one_")) else most
    base = "one_by_one" if number == most else f"one_by_one_{number}"
    ratios = [slow / fast for slow, fast in zip(seconds[base], seconds[name], strict=True)]
    reference = dict(zip([r.index for r in runs[base][1]], first[base][0], strict=True))
    losses = dict(zip([r.index for r in subset], first[name][0], strict=True))
    bound = bound_of(model, subset, shared=name.startswith("ours"))
    speedup = statistics.median(ratios)
    return {
        "workload": asked.workload, "model": f"{asked.model}_{asked.vocabulary // 1000}k",
        "method": name, "strategies": number, "examples": asked.examples, "requests": len(subset),
        "seconds": statistics.median(seconds[name]), "tokens": tokens_of(name, subset, asked.max_tokens),
        "lower_bound_tokens": lower_bound(subset), "peak_mb": first[name][1],
        "speedup_vs_one_by_one": speedup, "bound": bound, "fraction_of_bound": speedup / bound,
        "max_abs_diff": float(np.max(np.abs([losses[i] - reference[i] for i in losses]))),
    }  # fmt: skip


def first_strategies(requests: list[Request], number: int, most: int) -> list[Request]:
    return [request for place, request in enumerate(requests) if place % most < number]


def bound_of(model, subset: list[Request], *, shared: bool) -> float:
    """Speed-up over the paper's loop if time were the multiplications of tokens in the layers and in the head."""
    body, head = workloads.body_weights(model), model.lm_head.weight.numel()
    loop = sum(len(r.prefix) + len(r.response) for r in subset) * (body + head)
    layers = lower_bound(subset) if shared else sum(len(r.prefix) + r.n_fed for r in subset)
    return loop / (layers * body + sum(r.n_scored for r in subset) * head)


def tokens_of(name: str, subset: list[Request], max_tokens: int) -> int:
    """Tokens computed: as planned for ours (the tests hold it to that), without padding for the loop."""
    if name.startswith("one_by_one"):
        return sum(len(r.prefix) + len(r.response) for r in subset)
    if name == "lm_eval":
        ordered = sorted((len(r.prefix) + r.n_fed for r in subset), reverse=True)
        return sum(len(ordered[i : i + 4]) * ordered[i] for i in range(0, len(ordered), 4))
    passes = plan(subset, max_tokens=max_tokens, form="padded" if name == "padded" else "tree")
    return sum(one.tokens for one in passes)


if __name__ == "__main__":
    sys.exit(main())
