"""Times every method on one workload with one model, in turns, and writes one row per method as JSON lines.

python experiments/scoring_speed/measure.py --workload gsm8k --model 15m --vocabulary 32000 --out rows.jsonl
"""

import argparse
import json
import logging
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import methods
import numpy as np
import torch
import workloads
from hardware import median_ratio, peak_flops, peak_of, seconds_of
from transformers import PreTrainedModel

from sppl.scoring.planner import lower_bound, plan_passes
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.scorer import ResponseScorer, pass_cost, tokens_at_once

Variant = tuple[Callable, list[ScoringRequest]]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workload", choices=list(workloads.MEANS), required=True)
    parser.add_argument("--model", choices=list(workloads.MODELS), required=True)
    parser.add_argument("--vocabulary", type=int, required=True)
    parser.add_argument("--questions", type=int, default=3)
    parser.add_argument("--strategies", type=int, nargs="+", default=[1, 6], help="rows of ours, one per number")
    parser.add_argument("--examples", type=int, default=2, help="own answers in the prompt")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--max-tokens", type=int, help="of a pass; default: what suits the device")
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    parser.add_argument("--dtype", default="float32", help="of the weights: float32, bfloat16")
    parser.add_argument("--methods", nargs="+", default=["one_by_one", "lm_eval", "padded", "ours"])
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    logging.disable(logging.WARNING)
    dtype = getattr(torch, asked.dtype)
    model = workloads.random_model(asked.model, asked.vocabulary, asked.device, dtype)
    asked.max_tokens = asked.max_tokens or tokens_at_once(model, model.device)
    most = max(asked.strategies)
    requests = workloads.requests_of(
        asked.workload, questions=asked.questions, strategies=most, examples=asked.examples, vocabulary=asked.vocabulary
    )
    runs = variants(asked, model, requests)
    with torch.inference_mode():
        peak = peak_flops(asked.device, dtype)
        first = {name: peak_of(partial(method, subset), asked.device) for name, (method, subset) in runs.items()}
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(asked.rounds):
            for name, (method, subset) in runs.items():
                seconds[name].append(seconds_of(partial(method, subset), asked.device))
    rows = [row(asked, name, runs, model, first, seconds, peak) for name in runs]
    with asked.out.open("a") as file:
        file.writelines(json.dumps(one) + "\n" for one in rows)
    for one in rows:
        print({key: round(value, 3) if isinstance(value, float) else value for key, value in one.items()})


def variants(asked: argparse.Namespace, model: PreTrainedModel, requests: list[ScoringRequest]) -> dict[str, Variant]:
    """Each row's method and requests; ours once per number of strategies, and the paper's loop on as many."""
    most = max(asked.strategies)
    shared, rows = ResponseScorer(model), ResponseScorer(model, form="padded")
    plain = {
        "one_by_one": partial(methods.one_by_one, model),
        "lm_eval": partial(methods.lm_eval, model),
        "padded": partial(methods.ours, rows, max_tokens=asked.max_tokens),
    }
    runs = {name: (method, requests) for name, method in plain.items() if name in asked.methods}
    for number in asked.strategies:
        subset = first_strategies(requests, number, most)
        if number < most and "one_by_one" in asked.methods:
            runs[f"one_by_one_{number}"] = (plain["one_by_one"], subset)
        runs[f"ours_{number}"] = (partial(methods.ours, shared, max_tokens=asked.max_tokens), subset)
    return runs


def row(asked, name, runs, model, first, seconds, peak: float) -> dict:
    """One row of the table: medians of seconds and of ratios to the paper's loop on the same requests."""
    most, subset = max(asked.strategies), runs[name][1]
    number = int(name.rsplit("_", 1)[1]) if name.startswith(("ours_", "one_by_one_")) else most
    base = "one_by_one" if number == most else f"one_by_one_{number}"
    base = base if base in runs else "padded"  # where the loop would take minutes
    reference = dict(zip([r.index for r in runs[base][1]], first[base][0], strict=True))
    losses = dict(zip([r.index for r in subset], first[name][0], strict=True))
    bound = bound_of(model, subset, shared=name.startswith("ours"))
    speedup, median = median_ratio(seconds[base], seconds[name]), statistics.median(seconds[name])
    tokens = tokens_of(name, subset, asked.max_tokens, pass_cost(model, model.device))
    return {
        "workload": asked.workload, "model": f"{asked.model}_{asked.vocabulary // 1000}k",
        "method": name, "strategies": number, "examples": asked.examples, "requests": len(subset),
        "seconds": median, "tokens": tokens,
        "lower_bound_tokens": lower_bound(subset), "peak_mb": first[name][1],
        "speedup_vs_one_by_one": speedup, "bound": bound, "fraction_of_bound": speedup / bound,
        "fraction_of_peak": 2 * work_of(model, subset, name) / median / peak,
        "tokens_per_second": tokens / median,
        "max_abs_diff": float(np.max(np.abs([losses[i] - reference[i] for i in losses]))),
    }  # fmt: skip


def first_strategies(requests: list[ScoringRequest], number: int, most: int) -> list[ScoringRequest]:
    return [request for place, request in enumerate(requests) if place % most < number]


def bound_of(model, subset: list[ScoringRequest], *, shared: bool) -> float:
    """Speed-up over the paper's loop if time were the multiplications of tokens in the layers and in the head."""
    return work_of(model, subset, "one_by_one") / work_of(model, subset, "ours" if shared else "padded")


def work_of(model, subset: list[ScoringRequest], name: str) -> int:
    """Multiplications of tokens with weights that a method cannot do without (attention between tokens left out)."""
    body, head = workloads.body_weights(model), model.lm_head.weight.numel()
    if name.startswith("one_by_one"):
        return sum(len(r.prefix) + len(r.response) for r in subset) * (body + head)
    alone = sum(len(r.prefix) + r.n_fed for r in subset)
    if name == "lm_eval":
        return alone * (body + head)
    layers = lower_bound(subset) if name.startswith("ours") else alone
    return layers * body + sum(r.n_scored for r in subset) * head


def tokens_of(name: str, subset: list[ScoringRequest], max_tokens: int, cost: int) -> int:
    """Tokens computed: as planned for ours (the tests hold it to that), without padding for the loop."""
    if name.startswith("one_by_one"):
        return sum(len(r.prefix) + len(r.response) for r in subset)
    if name == "lm_eval":
        ordered = sorted((len(r.prefix) + r.n_fed for r in subset), reverse=True)
        return sum(len(ordered[i : i + 4]) * ordered[i] for i in range(0, len(ordered), 4))
    form = "padded" if name == "padded" else "tree"
    passes = plan_passes(subset, max_tokens=max_tokens, form=form, pass_cost=cost)
    return sum(one.tokens for one in passes)


if __name__ == "__main__":
    sys.exit(main())
