"""What the metrics of token statistics take beside SPPL and perplexity alone, by the clock.

python experiments/metrics_lab/cost.py            the lab by its own stage, then a random model with a large vocabulary
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "experiments" / "scoring_speed")]

BOTH = ["sppl", "perplexity"]
SAME_CONTEXTS = [
    *BOTH, "log_probability", "grape", "rank_surprisal_ratio", "aslec_drop", "aslec_casl", "in_context_gain", "lark",
    "entropy", "rank_average", "length",
]  # fmt: skip
OTHER_CONTEXTS = ["ifd", "ifd_perplexity", "local_naturalness"]
SETS = {
    "sppl + perplexity": BOTH,
    "all that need no other context": SAME_CONTEXTS,
    "and those that do": [*SAME_CONTEXTS, *OTHER_CONTEXTS],
    "scas alone": ["scas"],
    "grace alone": ["grace"],
}
STRATEGIES = "gpt4,claude,mini_gpt4,step_by_step,human_examples,rewrite,self_generated,code,self_check"


def in_turns(tasks: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each task; all tasks once per round, after one round that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(rounds + 1):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            if number:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def on_the_lab(rounds: int, questions: int) -> dict[str, float]:
    """The stage `score`, responses and predictions being there already."""
    from hydra import compose, initialize_config_dir

    from sppl.artifacts.store import Store
    from sppl.cli.running import stage_call

    def call(stage: str, metrics: list[str], store: Store) -> object:
        with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
            chosen = [f"metric=[{','.join(metrics)}]", f"strategy=[{STRATEGIES}]", f"n_score={questions}"]
            cfg = compose("config", overrides=chosen)
        return stage_call(cfg, stage)(store=store)

    def scored(metrics: list[str]) -> object:
        for kind in ("token_stats", "hidden_states", "gradients"):
            for path in Path(folder, kind).rglob("*.parquet"):
                path.unlink()
        return call("score", metrics, Store(folder))

    with tempfile.TemporaryDirectory() as folder:
        call("predict", BOTH, Store(folder))
        return in_turns({name: lambda metrics=metrics: scored(metrics) for name, metrics in SETS.items()}, rounds)


def with_vocabulary(vocabulary: int, rounds: int) -> dict[str, float]:
    """GSM8K's lengths, six strategies, a random Llama of 15 M parameters; question with and without more."""
    from workloads import random_model, requests_of

    from sppl.scoring.planner import plan_passes
    from sppl.scoring.scorer import ResponseScorer

    model = random_model("15m", vocabulary)
    size = {"questions": 3, "strategies": 6, "vocabulary": vocabulary}
    given, shown = (requests_of("gsm8k", examples=examples, **size) for examples in (0, 2))

    def scored(columns: tuple[str, ...]) -> None:
        with torch.inference_mode():
            for requests, further in ((given, columns), (shown, ())):
                scorer = ResponseScorer(model, further)
                for number, batch in enumerate(plan_passes(requests, max_tokens=4096, form="tree")):
                    scorer.predict_step(batch, number)

    more = ("entropy", "top50_brier")
    tasks = {"sppl + perplexity": lambda: scored(()), "all that need no other context": lambda: scored(more)}
    return in_turns(tasks, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--vocabularies", type=int, nargs="*", default=[32000, 150000])
    parser.add_argument("--questions", type=int, default=50, help="of the lab, per strategy")
    given = parser.parse_args()
    torch.set_num_threads(1)
    results = {"lab, stage score": on_the_lab(given.rounds, given.questions)}
    results |= {f"vocabulary {size}": with_vocabulary(size, given.rounds) for size in given.vocabularies}
    for name, seconds in results.items():
        base = seconds["sppl + perplexity"]
        for metrics, value in seconds.items():
            print(f"{name:20} {metrics:32} {value:8.2f} s {value / base:6.2f} x")


if __name__ == "__main__":
    main()
