"""Literal frames of a small report."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from sppl.analysis.confidence import confidence
from sppl.analysis.ranking import rank
from sppl.analysis.summary import metrics_table, table

HOSTILE = "<script>document.title='owned'</script>"
"""A strategy whose name would run, were it not escaped."""


@dataclass(frozen=True)
class Mean:
    name: str
    higher_is_better: bool | None = False

    def aggregate(self, scores: pd.DataFrame) -> float:
        return float(scores["value"].mean())


def examples(metric: str, values: dict[str, list[float]], benchmark: str = "task") -> pd.DataFrame:
    rows = [
        {"strategy": name, "example_id": f"q{at}", "value": value}
        for name, found in values.items()
        for at, value in enumerate(found)
    ]
    return pd.DataFrame(rows).assign(benchmark=benchmark, target_model="tiny", metric=metric)


def slices(metric: str, values: dict[str, float], benchmark: str = "task") -> pd.DataFrame:
    rows = [{"strategy": name, "start": 0, "end": 300, "value": value} for name, value in values.items()]
    return pd.DataFrame(rows).assign(benchmark=benchmark, target_model="tiny", metric=metric)


def outcomes(reached: dict[str, float], benchmark: str = "task") -> pd.DataFrame:
    rows = [{"strategy": name, "accuracy": accuracy} for name, accuracy in reached.items()]
    same = {"benchmark": benchmark, "target_model": "tiny", "setup": "", "seed": 0, "n_test": 100}
    return pd.DataFrame(rows).assign(**same)


def report_of(scores: pd.DataFrame, reached: pd.DataFrame, metrics: list[Mean]) -> dict[str, Any]:
    """What `write_page` is given."""
    rankings = rank(scores, metrics)
    return {
        "rows": table(rankings, reached),
        "judged": metrics_table(rankings, reached, scores=scores, metrics=metrics),
        "rankings": rankings,
        "scores": scores,
        "chances": confidence(rankings),
    }


def one_task() -> dict[str, Any]:
    """Three strategies, one of them with a hostile name, by a calibrated metric and by one without direction."""
    values = {"gpt4": [1.0, 2.0, 3.0], "claude": [2.0, 3.0, 4.0], HOSTILE: [15.0, 16.0, 17.0]}
    lengths = {name: [9.0 + at] * 3 for at, name in enumerate(values)}
    scores = pd.concat([examples("sppl_n2", values), examples("length", lengths)], ignore_index=True)
    reached = outcomes({"gpt4": 0.9, "claude": 0.5, HOSTILE: 0.3, "untrained": 0.4})
    frames = report_of(scores, reached, [Mean("sppl_n2"), Mean("length", None)])
    frames["rows"]["source"] = ["simulated" if name == "gpt4" else "" for name in frames["rows"]["strategy"]]
    return frames


def many_tasks(n: int = 6) -> dict[str, Any]:
    """Tasks whose scores are slice means only; on the last, all accuracies are equal."""
    names = [f"task{at}" for at in range(n)]
    scores = pd.concat([slices("ifd", {"gpt4": 0.2, "claude": 0.3}, name) for name in names], ignore_index=True)
    reached = [outcomes({"gpt4": 0.6, "claude": 0.6 if name == names[-1] else 0.5}, name) for name in names]
    return report_of(scores, pd.concat(reached, ignore_index=True), [Mean("ifd")])
