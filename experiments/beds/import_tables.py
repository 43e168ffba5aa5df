"""Makes the four beds of this folder from the paper's record store and the tables of two other papers.

    python experiments/beds/import_tables.py SOURCE_TABLES

SOURCE_TABLES holds `rsr_records.csv` and `car_outcomes.csv` as `rsr/source.md` and `car/source.md` describe them.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sppl.analysis.checks import PAIR
from sppl.analysis.conventions import SOUND, take_comparable
from sppl.analysis.paper import RecordedMetric, main_outcomes, planbench_outcomes
from sppl.analysis.ranking import rank
from sppl.analysis.resampling import RankedMetric
from sppl.artifacts.store import Store
from sppl.metrics.easy_half import EasyHalf, with_difficulty

sys.path.insert(0, str(Path(__file__).parents[1] / "paper"))  # the studies lie with the paper's records
from studies.metrics import complete

HERE = Path(__file__).parent
METRICS: tuple[RankedMetric, ...] = (
    *(RecordedMetric(name) for name in ("sppl_n2", "perplexity", "ifd")),
    *(RecordedMetric(name, higher_is_better=True) for name in ("reward", "car", "log_probability")),
    RecordedMetric("length", higher_is_better=None),
    EasyHalf(),
    RecordedMetric("train_then_test_n100", higher_is_better=True),
)
PILOTS = "epochs=40, learning_rate=0.0002, n_train=100"
TEACHERS = {"claude": "claude_3_5_sonnet", "mini_gpt4": "gpt_4o_mini", "groundtruth": "human"}
"""Who wrote a strategy's responses; all others are GPT-4o's."""
PARAMETERS = {"mistral_7b": 7.24e9, "llama3_8b": 8.03e9, "qwen2_5_7b": 7.62e9}
RSR = {
    "perplexity": ("surprisal", "lower"),
    "rank_surprisal_ratio": ("rsr", "lower"),
    "rank_surprisal_ratio_200": ("rsr_200", "lower"),
    "rank_surprisal_ratio_unclipped": ("rsr_filter", "lower"),
    "rank": ("rank", "lower"),
    "rank_clipped": ("rank_clipped", "lower"),
    "grace": ("grace", "lower"),
    "g_norm": ("g_norm", "lower"),
    "influence": ("influence", "higher"),
    "length": ("length", "none"),
    **{name: (name, "higher") for name in ("teacher_performance", "verified_accuracy", "rule_quality")},
    **{name: (name, "higher") for name in ("judge_quality", "teacher_params")},
}
"""Metric -> column of the source table, and the direction."""


def billions(name: str) -> float:
    """The weights that a model's name tells, e.g. Qwen-2.5-7B."""
    return float(name.upper().rsplit("-", 1)[1].removesuffix("B")) * 1e9


def paper(folder: str, scores: pd.DataFrame, outcomes: pd.DataFrame, every: pd.DataFrame) -> None:
    """One bed of the paper's records: all questions, unrounded, every strategy with score and outcome.

    `every` outcome holds the pilots, which are the metric `train_then_test_n100`: seed 0 after 100 responses.
    """
    candidates = take_comparable(scores[scores["metric"] == "sppl_n2"], outcomes)[[*PAIR, "strategy"]].drop_duplicates()
    runs = outcomes.merge(candidates, on=[*PAIR, "strategy"])
    short = every[(every["setup"] == PILOTS) & (every["kind"] == "core") & (every["seed"] == 0)]
    short = short.assign(metric="train_then_test_n100", value=short["accuracy"], example_id=None, start=None, end=None)
    scores = pd.concat([scores, short.merge(candidates, on=[*PAIR, "strategy"])[list(scores)]])
    parts = [_ranked(scores, runs, metric) for metric in METRICS]
    runs = runs.assign(
        teacher=runs["strategy"].map(TEACHERS).fillna("gpt_4o"), parameters=runs["target_model"].map(PARAMETERS)
    )
    write(folder, pd.concat(parts), runs, also=["n_test"])


def _ranked(scores: pd.DataFrame, runs: pd.DataFrame, metric: RankedMetric) -> pd.DataFrame:
    own = scores[scores["metric"] == metric.name]
    if isinstance(metric, EasyHalf):
        own = scores[scores["metric"] == "sppl_n2"]
        own = own[own["example_id"].notna()].assign(metric=metric.name, value=np.log(own["value"].to_numpy(float)))
        own = take_comparable(own, runs)
        own = own.groupby(PAIR, group_keys=False)[list(own)].apply(with_difficulty)
    if take_comparable(own, runs).empty:  # no response lengths of PlanBench are on record
        return pd.DataFrame()
    return rank(take_comparable(own, complete(own, runs, [metric.name], SOUND)), [metric], resamples=0)


def rsr(source: Path) -> None:
    table = pd.read_csv(source).rename(columns={"student": "target_model", "teacher": "strategy"})
    table = table.assign(benchmark="long_mathematics", surprisal=np.exp(table["surprisal"]))
    names = {column: name for name, (column, _) in RSR.items()}
    long = table.melt([*PAIR, "strategy"], [*names], "metric", "value")
    long["metric"] = long["metric"].map(names)
    long["direction"] = [RSR[name][1] for name in long["metric"]]
    write("rsr", long, _percent(table, "accuracy"))


def car(source: Path) -> None:
    table = pd.read_csv(source).rename(columns={"student": "target_model", "teacher": "strategy"})
    table = table.assign(benchmark="instruction_following")
    write("car", pd.DataFrame(), _percent(table, "ap"))


def _percent(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table.assign(
        accuracy=(table[column] / 100).round(6),
        seed=0,
        teacher=table["strategy"],
        parameters=[billions(name) for name in table["target_model"]],
    )


def write(name: str, scores: pd.DataFrame, outcomes: pd.DataFrame, also: Sequence[str] = ()) -> None:
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    columns = [*PAIR, "strategy", "metric", "direction", "value"]
    scores = scores.reindex(columns=columns).sort_values(columns[:4])
    outcomes = outcomes[[*PAIR, "strategy", "seed", "accuracy", *also, "teacher", "parameters"]].copy()
    outcomes["parameters"] = outcomes["parameters"].astype("int64")
    scores.to_csv(folder / "scores.csv", index=False, float_format="%.10g")
    outcomes.sort_values([*PAIR, "strategy", "seed"]).to_csv(folder / "outcomes.csv", index=False, float_format="%.10g")


def main(source: Path) -> None:
    store = Store(str(HERE.parent / "paper" / "records"))
    scores, outcomes = (store.read(store.artifacts(kind)[0]) for kind in ("scores", "outcomes"))
    paper("paper_main", scores, main_outcomes(outcomes), outcomes)
    paper("paper_planbench", scores, planbench_outcomes(outcomes), outcomes)
    rsr(source / "rsr_records.csv")
    car(source / "car_outcomes.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
