"""`compare=[a,b]`: only what differs is told, row by row."""

import json

import pandas as pd
import pytest

from sppl.report.report_differences import compare
from sppl.schemas import UserError


def report(folder, name, *, rate=1e-3, accuracy=0.5, value=1.2, picked="gpt4"):
    out = folder / name
    out.mkdir()
    config = {"name": name, "run_dir": name, "training": {"learning_rate": rate, "epochs": 5}, "stage": {"rank": {}}}
    (out / "made_of.json").write_text(json.dumps({"rankings": [], "results": [], "config": config}))
    row = {"benchmark": "lab", "target_model": "m", "strategy": "gpt4", "n_train": 24, "accuracy": accuracy}
    pd.DataFrame([row | {"sppl_n2": value, "rank_sppl_n2": 1.0}]).to_csv(out / "table.csv", index=False)
    metrics = {"benchmark": "lab", "target_model": "m", "metric": "sppl_n2", "picked": picked, "regret": 0.0}
    pd.DataFrame([metrics]).to_csv(out / "metrics.csv", index=False)


def test_settings_accuracies_metrics_and_picks_that_differ_have_a_row_each(tmp_path):
    report(tmp_path, "a")
    report(tmp_path, "b", rate=2e-3, accuracy=0.75, value=1.3, picked="claude")
    lines = [line.split("  ") for line in compare(tmp_path, "a", "b")]
    assert [[word.strip() for word in line if word] for line in lines] == [
        ["what differs", "a", "b"],
        ["training.learning_rate", "0.001", "0.002"],
        ["lab m gpt4 24: accuracy", "0.500", "0.750"],
        ["lab m gpt4 24: sppl_n2", "1.200", "1.300"],
        ["lab m sppl_n2: picked", "gpt4", "claude"],
    ]


def test_reports_that_say_the_same_are_said_to(tmp_path):
    report(tmp_path, "a")
    report(tmp_path, "b", value=1.2 + 1e-6)
    assert compare(tmp_path, "a", "b") == ["a and b have the same settings, accuracies, metrics and picks"]


def test_a_report_that_there_is_not_is_refused_with_those_there_are(tmp_path):
    report(tmp_path, "first")
    with pytest.raises(UserError, match=r"no report `frist`; did you mean first\? There are: first"):
        compare(tmp_path, "first", "frist")
