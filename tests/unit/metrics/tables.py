"""Tables of token statistics from numbers written down, and metrics from their configuration."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hydra.utils import instantiate

from sppl.metrics.needs import Metric, Tables, table_needs

CASES = sorted(Path(__file__).with_name("cases").glob("*.json"))
FLOATS = ("logprob", "entropy", "top50_brier")


def table(responses: dict[str, Any]) -> pd.DataFrame:
    """Rows of `strategy:example` (of gpt4 without a colon) -> log-probabilities, or columns by name."""
    parts = []
    for key, given in responses.items():
        strategy, _, example = key.rpartition(":")
        columns = given if isinstance(given, dict) else {"logprob": given}
        n = len(next(iter(columns.values())))
        keys = {
            "strategy": [strategy or "gpt4"] * n,
            "example_id": [example] * n,
            "token": range(n),
            "token_id": [7] * n,
        }
        parts.append(pd.DataFrame(keys | {"logprob": [-1.0] * n, "rank": [1] * n} | columns))
    frame = pd.concat(parts, ignore_index=True)
    return frame.astype({name: np.float32 for name in FLOATS if name in frame})


def load(path: Path) -> tuple[dict[str, Any], Metric, dict]:
    """A case, its metric and the metric's tables."""
    case = json.loads(path.read_text())
    metric = instantiate(case["metric"], _convert_="all")
    return case, metric, {need: table(case["tables"][need.name]) for need in table_needs([metric])}


def values(metric: Metric, tables: Tables) -> dict[str, float]:
    """The value of every response, by `strategy:example` (example alone for gpt4)."""
    rows = metric.per_example(tables)[["strategy", "example_id", "value"]].itertuples(index=False)
    return {example if strategy == "gpt4" else f"{strategy}:{example}": value for strategy, example, value in rows}
