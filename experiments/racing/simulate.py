"""How often a race drops the truly best strategy, and what it scores, in simulated races with the noise of the records.

python experiments/racing/simulate.py             exit 1 if a figure differs from expected.csv
python experiments/racing/simulate.py --write     writes expected.csv anew
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sppl.analysis.checks import PAIR
from sppl.analysis.conventions import take_comparable
from sppl.analysis.paper import main_outcomes
from sppl.analysis.racing import Bound, Limit, replay_race
from sppl.artifacts.store import Store

sys.path.insert(0, str(Path(__file__).parents[1] / "paper"))  # the studies lie with the paper's records
from studies.racing_study import two_standard_errors

EXPECTED = Path(__file__).with_name("expected.csv")
RECORDS = Path(__file__).parents[1] / "paper" / "records"
SOURCE = {"repository": "XuanRen4470/SPPL", "commit": "48d727e78"}
STRATEGIES, LEADS, QUESTIONS = (2, 3, 6, 9), (0.0, 0.02, 0.05), (50, 300)
RULES: dict[str, Callable[[int, int], Limit]] = {
    "error=0.05": Bound,
    "z=2": two_standard_errors,
}
"""The rule, and the one before it."""
Noise = Callable[[np.random.Generator, int, int], NDArray]
"""Of a generator, the questions and the strategies: log-perplexities `[questions, strategies]`, all of mean 0."""


def recorded() -> Iterator[NDArray]:
    """Per pair of task and target the log-perplexities `[300 questions, strategies]` behind the paper's tables."""
    store = Store(str(RECORDS))
    scores, outcomes = (store.read(store.artifact_id(kind, settings=SOURCE)) for kind in ("scores", "outcomes"))
    own = scores[(scores["metric"] == "sppl_n2") & scores["example_id"].notna()]
    for _, part in take_comparable(own, main_outcomes(outcomes)).groupby(PAIR):
        yield np.log(part.pivot(index="example_id", columns="strategy", values="value").to_numpy(float))


def noises() -> dict[str, Noise]:
    """`normal`: question and residual with the median deviations of the records; `recorded`: their own residuals."""
    residuals, between, within = [], [], []
    for values in recorded():
        rest = values - values.mean(axis=1, keepdims=True)
        rest -= rest.mean(axis=0)
        n, k = rest.shape
        residual = (rest**2).sum() / ((n - 1) * (k - 1))
        within.append(residual)
        between.append(max(0.0, values.mean(axis=1).var(ddof=1) - residual / k))
        residuals.append(rest * np.sqrt(k / (k - 1)))
    question, own = np.sqrt(np.median(between)), np.sqrt(np.median(within))
    print(f"median deviations of {len(residuals)} pairs: between questions {question:.3f}, within {own:.3f} nats")

    def normal(rng: np.random.Generator, n: int, k: int) -> NDArray:
        return rng.normal(0, question, (n, 1)) + rng.normal(0, own, (n, k))

    def drawn(rng: np.random.Generator, n: int, k: int) -> NDArray:
        pair = residuals[rng.integers(len(residuals))]
        return pair[rng.integers(len(pair), size=(n, k)), rng.integers(pair.shape[1], size=k)]

    return {"normal": normal, "recorded": drawn}


def cell(noise: Noise, limit: Limit, *, strategies: int, lead: float, questions: int, races: int) -> dict[str, float]:
    """What became of that many races, in which the first strategy is better than all others by `lead` nats."""
    rng, dropped, wins, share = np.random.default_rng(0), 0, 0, 0.0
    for _ in range(races):
        values = noise(rng, questions, strategies)
        values[:, 0] -= lead
        columns = {f"s{number}": column for number, column in enumerate(values.T)}
        run = replay_race(columns, np.arange(questions), limit)
        dropped += "s0" not in run.left
        wins += run.winner == "s0"
        share += sum(run.scored.values()) / values.size
    return {"dropped": dropped / races, "wins": wins / races, "share": share / races}


def made(races: int) -> pd.DataFrame:
    """One row per noise, numbers of strategies and questions, lead and rule."""
    rows = []
    for name, noise in noises().items():
        for strategies in STRATEGIES:
            for questions in QUESTIONS:
                for lead in LEADS:
                    what = {"strategies": strategies, "questions": questions, "lead": lead}
                    for rule, limits in RULES.items():
                        found = cell(noise, limits(strategies, questions), **what, races=races)
                        rows.append({"noise": name, **what, "rule": rule, "races": races, **found})
    return pd.DataFrame(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--races", type=int, default=2000, help="per cell")
    parser.add_argument("--write", action="store_true", help="write expected.csv")
    asked = parser.parse_args()
    table = made(asked.races)
    text = table.to_csv(index=False, float_format="%.4f")
    print(text, end="")
    for rule, part in table.groupby("rule", sort=False):
        worst = part.loc[part["dropped"].idxmax()]
        what = f"{worst['strategies']} strategies, lead {worst['lead']}, {worst['questions']} questions"
        print(f"{rule}: the best was dropped in at most {100 * worst['dropped']:.1f} % of the races ({what})")
    if asked.write:
        EXPECTED.write_text(text)
    same = EXPECTED.read_text() == text
    print(f"{EXPECTED.name}: {'the same' if same else 'DIFFERS'}", file=sys.stderr)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
