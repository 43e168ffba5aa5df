"""Racing against scoring everything: on lab questions, timed against the paper's loop, and on the paper's records.

python experiments/scoring_speed/race.py --out rows.jsonl      rows `one_by_one` and `race`, then the records' share
"""

import argparse
import json
import logging
import statistics
from functools import partial
from pathlib import Path

import methods
import pandas as pd
import torch
from hardware import median_ratio, peak_of, seconds_of

from sppl.analysis.racing import Bound, survivors
from sppl.benchmarks.definition import Benchmark
from sppl.lab.source import LabQuestions, LabTeacher
from sppl.models.target import TargetModel, frozen_target
from sppl.prompts import SelfAligned, SelfAlignedPrompt
from sppl.scoring.planner import lower_bound
from sppl.scoring.pool import Pool
from sppl.scoring.request_builder import RequestBuilder
from sppl.scoring.requests import ScoringRequest
from sppl.scoring.scorer import ResponseScorer, tokens_at_once
from sppl.scoring.scoring_settings import Scoring
from sppl.strategies.recipe import Recipe

STRATEGIES = ("gpt4", "claude", "mini_gpt4", "step_by_step", "rewrite", "human_examples")
RECORDS = Path("experiments/paper/racing/expected.csv")


def requests_of(target: TargetModel, n: int) -> dict[str, list[ScoringRequest]]:
    """Per strategy one request per lab question, in the context of self-aligned perplexity."""
    benchmark = Benchmark("lab", LabQuestions(), LabTeacher(), task="lab", max_new_tokens=200)
    questions = benchmark.questions.questions("train", n)
    own = benchmark.responses.respond(Recipe("self_generated", ""), questions)
    prompt = SelfAlignedPrompt("{question}\n\n{examples}\n\nAnswer in this style.", "Example answer:\n{answer}")
    asking = RequestBuilder(target, prompt, Pool(tuple(q.id for q in questions), tuple(own), ""), Scoring())
    found = {}
    for name in STRATEGIES:
        pairs = list(zip(questions, benchmark.responses.respond(Recipe(name, ""), questions), strict=True))
        asked = asking.responses(pairs, SelfAligned(2), steps=False)
        found[name] = [request for one in asked for _, request in one.requests]
    return found


def race(
    scorer: ResponseScorer, requests: dict[str, list[ScoringRequest]], budget: Scoring
) -> tuple[str, dict[str, list[float]]]:
    """The winner, and the mean losses that were computed to find it: batches for the strategies still in the race."""
    racing, done, losses = list(requests), 0, {name: list[float]() for name in requests}
    n = len(next(iter(requests.values())))
    bound = Bound(len(requests), n, budget.error, budget.first)
    while done < n and len(racing) > 1:
        stop = min(n, done + (budget.then if done else budget.first))
        batch = [(name, request) for name in racing for request in requests[name][done:stop]]
        answers = scorer.score(
            [request for _, request in batch], max_tokens=tokens_at_once(scorer.model, scorer.model.device)
        )
        for (name, _), (logprobs, _) in zip(batch, answers, strict=True):
            losses[name].append(float(-logprobs.mean()))
        decisions = survivors({name: losses[name] for name in racing}, bound)
        racing, done = [one.strategy for one in decisions if one.survives], stop
    return min(racing, key=lambda name: (sum(losses[name]), name)), losses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    target, budget = TargetModel("lab", "sppl/lab/checkpoint"), Scoring(budget="race")
    model, requests = frozen_target(target), requests_of(target, asked.questions)
    n, everything = asked.questions, [request for part in requests.values() for request in part]
    runs = {
        "one_by_one": partial(methods.one_by_one, model, everything),
        "race": partial(race, ResponseScorer(model), requests, budget),
    }
    with torch.inference_mode():
        losses, loop_mb = peak_of(runs["one_by_one"], model.device)
        (winner, raced), race_mb = peak_of(runs["race"], model.device)
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(asked.rounds):
            for name, run in runs.items():
                seconds[name].append(seconds_of(run, model.device))
    alone = {name: losses[at * n : (at + 1) * n] for at, name in enumerate(requests)}
    best = min(alone, key=lambda name: (sum(alone[name]), name))
    scored = [request for name, part in raced.items() for request in requests[name][: len(part)]]
    ratio = median_ratio(seconds["one_by_one"], seconds["race"])
    common = {"workload": f"lab_{n}", "model": "lab", "strategies": len(requests), "examples": 2}
    loop = sum(len(r.prefix) + len(r.response) for r in everything)
    rows = [
        common | {"method": "one_by_one", "requests": len(everything), "tokens": loop, "speedup_vs_one_by_one": 1.0}
        | {"lower_bound_tokens": lower_bound(everything), "seconds": statistics.median(seconds["one_by_one"])}
        | {"peak_mb": loop_mb, "max_abs_diff": 0.0},
        common | {"method": "race", "requests": len(scored), "tokens": lower_bound(scored)}
        | {"lower_bound_tokens": lower_bound(scored), "speedup_vs_one_by_one": ratio}
        | {"seconds": statistics.median(seconds["race"]), "peak_mb": race_mb}
        | {"max_abs_diff": max(abs(a - b) for name, part in raced.items()
                               for a, b in zip(part, alone[name], strict=False))},
    ]  # fmt: skip
    with asked.out.open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    share = len(scored) / len(everything)
    print(f"race picks {winner}, all questions pick {best}; {100 * share:.1f} % of the scorings, {ratio:.1f}x faster")
    records = pd.read_csv(RECORDS).set_index(["rule", "questions"]).loc[(f"error={budget.error}", 300)]
    print(
        f"the paper's records ({records['n_races']:.0f} races, {RECORDS.parent}): {100 * records['share']:.1f} % of "
        f"the scorings, {100 * records['agrees']:.1f} % name the winner of all examples"
    )
    if winner != best:
        raise SystemExit("the race and all questions pick different strategies")


if __name__ == "__main__":
    main()
