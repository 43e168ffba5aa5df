"""One file of numbers worked out by hand per metric."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra.utils import instantiate

from sppl.schemas import UserError

CASES = sorted(Path(__file__).with_name("cases").glob("*.json"))


def table(logprobs: dict[str, list[float]]) -> pd.DataFrame:
    rows = [
        {"strategy": "gpt4", "example_id": example, "token": at, "token_id": 7, "logprob": np.float32(value), "rank": 1}
        for example, values in logprobs.items()
        for at, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def load(path: Path):
    case = json.loads(path.read_text())
    metric = instantiate(case["metric"])
    return case, metric, {need: table(case["tables"][need.context.name]) for need in metric.needs()}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_metric_gives_the_numbers_worked_out_by_hand(path):
    case, metric, tables = load(path)
    scores = metric.per_example(tables)
    assert dict(zip(scores["example_id"], scores["value"], strict=True)) == pytest.approx(case["per_example"], rel=1e-6)
    assert metric.aggregate(scores) == pytest.approx(case["value"], rel=1e-6)
    assert metric.name == path.stem


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_metric_does_not_depend_on_the_order_of_examples(path):
    _, metric, tables = load(path)
    backwards = {need: frame.iloc[::-1].reset_index(drop=True) for need, frame in tables.items()}
    again = metric.per_example(backwards).sort_values("example_id", ignore_index=True)
    first = metric.per_example(tables).sort_values("example_id", ignore_index=True)
    pd.testing.assert_frame_equal(first, again)


def test_every_metric_config_has_a_case(root):
    targets = {json.loads(path.read_text())["metric"]["_target_"] for path in CASES}
    configs = sorted((root / "conf" / "metric").glob("*.yaml"))
    wanted = {line.split(": ")[1] for path in configs for line in path.read_text().splitlines() if "_target_" in line}
    assert len(configs) >= 4
    assert targets == wanted


def test_ifd_names_a_response_that_has_no_token_to_score_alone():
    _, metric, tables = load(Path(__file__).with_name("cases") / "ifd.json")
    _, alone = metric.needs()
    tables[alone] = tables[alone][tables[alone]["example_id"] == "a"]
    with pytest.raises(UserError, match="b of gpt4"):
        metric.per_example(tables)
